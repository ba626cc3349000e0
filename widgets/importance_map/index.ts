/** The anywidget entry of the importance map. */

import "./index.css";
import { still } from "../kit/kernel/still";
import { decode, draw } from "./view";

export default still({ keys: ["scores", "context"], decode, draw, className: "cotlens-importance", label: "importance map" });
