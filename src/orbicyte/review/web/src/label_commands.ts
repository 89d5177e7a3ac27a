/** The keys of the Label view. */

import { cropCommands } from "./crop_commands";
import type { Group } from "./keys";
import type { LabelView } from "./label_view";

export function labelCommands(view: LabelView): Group[] {
  const { study, selection } = view.review;
  const types = [...study.classes, ...study.extra];
  return [
    {
      title: "Label the selected cells",
      commands: [
        ...types.map(({ name, key }) => ({ keys: key ? [key.toUpperCase()] : [], help: name, run: () => view.assign(name) })),
        { keys: ["Enter"], help: "Accept the predicted types, where they are shown", run: () => view.acceptPredictions() },
        { keys: ["Backspace", "Delete"], help: "Clear label", run: () => view.assign(null) },
      ],
    },
    cropCommands(view, selection, { arrows: "Next crop", held: "Select more", open: "Show on the slide" }),
    {
      title: "Pictures",
      commands: [
        { keys: ["+", "="], help: "Zoom in: fewer µm in a crop", run: () => view.zoom(-1) },
        { keys: ["-"], help: "Zoom out: more µm in a crop", run: () => view.zoom(1) },
        { keys: ["Z"], help: "Zoom to the cell on the slide", run: () => view.openCurrent() },
      ],
    },
  ];
}
