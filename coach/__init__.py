"""The conversation: scenarios, the other side's state, its voices, the session."""
