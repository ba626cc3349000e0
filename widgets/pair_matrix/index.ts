/** The anywidget entry of the pair matrix. */

import "./index.css";
import { still } from "../kit/kernel/still";
import { decode, draw } from "./view";

export default still({ keys: ["matrix"], decode, draw, className: "cotlens-pairmatrix", label: "pair matrix" });
