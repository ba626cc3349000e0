// Written by tools/write_protocol.py from cotlens/widgets/protocol/lens_grid.py and cotlens/widgets/lens_grid.py: change those.

import type { Empty, Grid, Lock, Selected } from "../kit/protocol";

/** The synced traits, as they arrive. {} is what is absent. */
export interface State {
  grid: Grid | Empty;
  scale_lock: Lock | Empty;
  code: string;
  selected: Selected | Empty;
}
