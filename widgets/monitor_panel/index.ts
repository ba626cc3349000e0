/** The anywidget entry of the monitor panel. */

import "./index.css";
import { still } from "../kit/kernel/still";
import { decode, draw } from "./view";

export default still({ keys: ["panel"], decode, draw, className: "cotlens-monitorpanel", label: "monitor panel" });
