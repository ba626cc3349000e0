/** The anywidget entry of the importance map. */

import "./index.css";
import { displayOnly } from "../kit/kernel/display-only";
import { decode, draw } from "./view";

export default displayOnly({ keys: ["scores", "context"], decode, draw, className: "cotlens-importance", label: "importance map" });
