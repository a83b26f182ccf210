"""The Markdown that models write: the parser, and the rules in which it differs from CommonMark."""
