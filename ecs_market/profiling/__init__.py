"""Where the time of a run goes: measured, added up, and drawn on a time line."""
