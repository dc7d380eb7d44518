"""Use cases: each public function is one story and owns its transactions."""
