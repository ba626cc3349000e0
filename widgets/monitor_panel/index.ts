/** The anywidget entry of the monitor panel. */

import "./index.css";
import { displayOnly } from "../kit/kernel/display-only";
import { decode, draw } from "./view";

export default displayOnly({ keys: ["panel"], decode, draw, className: "cotlens-monitorpanel", label: "monitor panel" });
