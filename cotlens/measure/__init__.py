"""What can be measured on a trace. Each folder is one family of methods; none knows a backend or a widget."""
