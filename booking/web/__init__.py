"""Everything that knows of a request: views parse, call one service or query, and answer."""
