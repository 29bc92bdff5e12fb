"""A utility family and a mechanism that `ecs_market` finds by their entry points."""
