"""Names that the credentials blocks have unless a flow is told others."""

GOOGLE_BLOCK = "google-credentials"
JIRA_BLOCK = "jira-credentials"
