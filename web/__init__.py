"""Pages and JSON API: templates and static files beside them."""
