"""The traits of the grid of a lens; `shared` declares their shapes."""
