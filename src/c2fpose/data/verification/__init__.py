"""Is a data file what it should be? ``checks`` has the questions, ``report`` the answers, ``contact_sheet`` shows."""
