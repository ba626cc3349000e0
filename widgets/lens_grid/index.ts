/** The anywidget entry of the grid of a lens. */

import "./index.css";
import { decodeGrid, drawGrid } from "../grid/view";
import { displayOnly, sharedCode } from "../kit/kernel/display-only";

export default displayOnly({
  keys: ["grid"], decode: decodeGrid, className: "cotlens-layers cotlens-lensgrid", label: "lens grid",
  draw: (root, grid, signal, sharedLock, traits) => { drawGrid(root, grid, signal, { sharedLock, traits, code: sharedCode(root, traits, signal) }); },
});
