/** The anywidget entry of the pair matrix. */

import "./index.css";
import { displayOnly } from "../kit/kernel/display-only";
import { decode, draw } from "./view";

export default displayOnly({ keys: ["matrix"], decode, draw, className: "cotlens-pairmatrix", label: "pair matrix" });
