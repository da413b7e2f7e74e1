"""Credentials of a Jira Cloud site, as a Prefect block."""

import functools
from typing import Any

from prefect.blocks.abstract import CredentialsBlock
from pydantic import ConfigDict, Field, HttpUrl, SecretStr

from blocks.loading import not_connected
from lib import service_url
from lib.errors import WorkflowError
from lib.services.jira_api import JiraApi
from lib.services.reading import JiraReader
from lib.settings import JiraEnvironment


class JiraCredentials(CredentialsBlock):
    """
    Who we are at Jira: the site, the account's e-mail address and its API token.

    What is left empty comes from JIRA_URL, JIRA_USERNAME and JIRA_TOKEN. The account needs Browse Projects and Create Issues
    in the project. A token is made at https://id.atlassian.com/manage-profile/security/api-tokens and lives a year at most.

    Example:
        ```python
        from blocks.jira_credentials import JiraCredentials

        jira_credentials = JiraCredentials.load("BLOCK_NAME")
        print(jira_credentials.test_connection())
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Jira Credentials (content plans)"
    _block_type_slug = "content-plan-jira-credentials"
    _logo_url = HttpUrl("https://wac-cdn.atlassian.com/assets/img/favicons/atlassian/apple-touch-icon.png")
    _documentation_url = HttpUrl("https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/")
    _description = "Credentials of a Jira Cloud site, with JIRA_URL, JIRA_USERNAME and JIRA_TOKEN as fallback."

    url: service_url.Site = Field(default="", description="The site, such as https://example.atlassian.net.")
    username: str = Field(default="", description="E-mail address of the account.")
    token: SecretStr = Field(default=SecretStr(""), title="API token", description="The account's API token.")

    @property
    def api(self) -> JiraApi:
        """The client, made when it is first asked for; blocks with the same content share one in a process."""
        environment = JiraEnvironment.read()
        token = self.token if self.token.get_secret_value() else environment.jira_token
        return _api(self.url or environment.jira_url, self.username or environment.jira_username, token)

    def get_client(self) -> JiraApi:
        """
        The client; it logs in with the first request.

        Raises:
            CredentialsError: A part is missing, here and in the environment.
        """
        return self.api

    def get_reader(self) -> JiraReader:
        """
        A client for notebooks, which cannot write.

        Raises:
            CredentialsError: As of `get_client`.
        """
        return JiraReader(self.api)

    def test_connection(self) -> dict[str, Any]:
        """Whether Jira knows us: `ok`, `service`, `account`, `site`; or the `problem`, what to do, and whether it is `passing`."""
        try:
            return self.check_connection()
        except WorkflowError as error:
            return not_connected("Jira", error)

    def check_connection(self) -> dict[str, Any]:
        """
        The same where Jira knows us.

        Raises:
            WorkflowError: It does not, or could not say just now.
        """
        account = self.api.read_myself()
        return {"ok": True, "service": "Jira", "site": account.site, "account": account.name or account.account_id}


@functools.lru_cache(maxsize=8)
def _api(url: str, username: str, token: SecretStr) -> JiraApi:
    return JiraApi(url, username, token.get_secret_value())
