"""The state of a GitHub, and what it answers. No network here: `handle` is a function of request and state."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import rules

REPOSITORY = "acme/shop"
HEAD = "1" * 40
BASE = "0" * 40
MERGE = "f" * 40
WRITE_TOKEN = "write-token"
READ_TOKEN = "read-token"
BOT = "github-actions[bot]"


@dataclass
class Answer:
    """`delivery`: how it reaches the client (`delivery.DELIVERIES`); only a socket can break off."""

    status: int
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delivery: str = "whole"

    @property
    def body(self) -> bytes:
        return b"" if self.payload is None else json.dumps(self.payload).encode()


@dataclass
class Token:
    """`permissions`: scope -> read | write. Scopes: checks, pull-requests, contents. `viewer`: whether GraphQL says whose it is."""

    login: str = BOT
    app: str = "github-actions"
    permissions: dict[str, str] = field(default_factory=dict)
    viewer: bool = True


@dataclass
class Logged:
    method: str
    path: str
    status: int
    note: str = ""

    @property
    def writes(self) -> bool:
        return self.method in ("POST", "PATCH", "DELETE", "PUT") and self.note != "query"

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}" + (f" ({self.note})" if self.note else "")


@dataclass
class Fault:
    """The next `times` requests that match are answered so. Status 0 is the answer that they would have had, delivered as `delivery` says.

    `takes_effect` means that the request is done all the same; with status 0 it always is.
    """

    status: int
    method: str
    path: str
    headers: dict[str, str]
    times: int
    message: str
    takes_effect: bool
    delivery: str


class Refused(Exception):
    def __init__(self, status: int, message: str, errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"message": message, "errors": errors or [], "documentation_url": "https://docs.github.com/rest"})


class Core:
    """One repository with its pull requests, comments and check runs. `validate` off skips the schemas, never the limits."""

    def __init__(self, repository: str = REPOSITORY, *, base_url: str = "http://fake", validate: bool = True) -> None:
        self.repository = repository
        self.base_url = base_url
        self.validate = validate
        self.former_names: list[str] = []
        self.tokens: dict[str, Token] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.commits: set[str] = set()
        self.files: dict[str, dict[str, bytes]] = {}
        """Commit -> path -> content, as far as a test has put files there."""
        self.comments: dict[int, dict[str, Any]] = {}
        self.check_runs: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.log: list[Logged] = []
        self.faults: list[Fault] = []
        self.on_request: Callable[[str, str], None] | None = None
        self.lag = 0
        """How many listings a new comment or check run stays out of: GitHub's lists may trail its writes."""
        self._listings = 0
        self._visible_from: dict[int, int] = {}
        self._last_id = 1000
        self.add_token(WRITE_TOKEN, permissions={"checks": "write", "pull-requests": "write", "contents": "read"})
        self.add_token(READ_TOKEN, permissions={"checks": "read", "pull-requests": "read", "contents": "read"})

    # what a test arranges

    def add_token(
        self,
        token: str,
        login: str = BOT,
        app: str = "github-actions",
        permissions: Mapping[str, str] | None = None,
        *,
        viewer: bool = True,
    ) -> None:
        self.tokens[token] = Token(login, app, dict(permissions or {}), viewer)

    def add_pull(
        self, number: int = 1, head: str = HEAD, *, base: str = BASE, state: str = "open", fork: bool = False, branch: str = "topic"
    ) -> None:
        owner = self.repository.partition("/")[0]
        head_repository = f"mallory/{self.repository.partition('/')[2]}" if fork else self.repository
        self.pulls[number] = {
            "number": number,
            "state": state,
            "html_url": f"https://github.test/{self.repository}/pull/{number}",
            "head": {
                "sha": head,
                "ref": branch,
                "label": f"{head_repository.partition('/')[0]}:{branch}",
                "repo": {"full_name": head_repository},
            },
            "base": {"sha": base, "ref": "main", "label": f"{owner}:main", "repo": {"full_name": self.repository}},
        }
        self.commits |= {head, base}

    def move_head(self, number: int, head: str) -> None:
        self.pulls[number]["head"]["sha"] = head
        self.commits.add(head)

    def add_file(self, path: str, content: str | bytes, commit: str = BASE) -> None:
        self.commits.add(commit)
        self.files.setdefault(commit, {})[path] = content.encode() if isinstance(content, str) else content

    def add_comment(self, number: int, body: str, login: str = "octocat") -> dict[str, Any]:
        """Somebody else's comment."""
        return self._new_comment(number, body, login)

    def add_comments(self, number: int, count: int, login: str = "octocat") -> None:
        """A long talk among others."""
        for turn in range(count):
            self._new_comment(number, f"comment {turn}", login)

    def add_check_run(self, head: str, text: str, app: str = "stranger") -> dict[str, Any]:
        """Another app's check run, which may say what it likes."""
        output = {"title": "x", "summary": "x", "text": text}
        payload = {"name": f"by {app}", "head_sha": head, "status": "completed", "conclusion": "success", "output": output}
        run: dict[str, Any] = self.create_check_run(Token(f"{app}[bot]", app), {}, payload).payload
        return run

    def inject(
        self,
        status: int = 0,
        *,
        method: str = "",
        path: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        message: str = "",
        takes_effect: bool = False,
        delivery: str = "whole",
    ) -> None:
        self.faults.append(Fault(status, method, path, dict(headers or {}), times, message, takes_effect or status == 0, delivery))

    # what a test asks

    @property
    def writes(self) -> list[Logged]:
        return [entry for entry in self.log if entry.writes]

    @property
    def refusals(self) -> list[Logged]:
        """What was refused, but for the answer that there is no such file at the base."""
        return [entry for entry in self.log if entry.status >= 400 and not (entry.status == 404 and "/contents/" in entry.path)]

    def clear_log(self) -> None:
        self.log.clear()

    def bodies(self, number: int = 1) -> list[str]:
        return [comment["body"] for comment in self.comments_of(number)]

    def comments_of(self, number: int = 1) -> list[dict[str, Any]]:
        return [comment for _, comment in sorted(self.comments.items()) if comment["pull"] == number]

    def runs_of(self, sha: str = HEAD) -> list[dict[str, Any]]:
        return [run for _, run in sorted(self.check_runs.items()) if run["head_sha"] == sha]

    def state(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return {
            "repository": self.repository,
            "pulls": list(self.pulls.values()),
            "comments": [comment for _, comment in sorted(self.comments.items())],
            "check_runs": [run for _, run in sorted(self.check_runs.items())],
            "annotations": {str(run): rows for run, rows in sorted(self.annotations.items())},
            "log": [asdict(entry) for entry in self.log],
        }

    # what a client sees

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request; header names in lower case."""
        parts = urllib.parse.urlsplit(target)
        path = parts.path.removeprefix("/api/v3").replace("/api/graphql", "/graphql")
        if self.on_request:
            self.on_request(method, path)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        note = ""
        fault = self._fault(method, path)
        try:
            if fault and not fault.takes_effect:
                raise Refused(fault.status, fault.message)
            if path == "/graphql":
                note = "query" if b"mutation" not in body else ""
                answer = self._graphql(self._token(headers), self._json(body))
            else:
                answer = self._rest(method, path, query, headers, body)
            if fault and fault.status:
                raise Refused(fault.status, fault.message)
        except Refused as refused:
            answer = refused.answer
            note = note or str(refused)
        if fault:
            answer.headers |= fault.headers
            answer.delivery = fault.delivery
        self.log.append(Logged(method, path + (f"?{parts.query}" if parts.query else ""), answer.status, note))
        return answer

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.method in ("", method) and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _rest(self, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        token = self._token(headers)
        if (method, path) == ("GET", "/user"):
            return self._user(token)
        if (method, path) == ("GET", "/rate_limit"):
            return Answer(200, {"resources": {"core": {"limit": 1000, "remaining": 999, "reset": 0}}})
        self._follow_rename(method, path)
        for verb, template, pattern, scope, action in ROUTES:
            match = pattern.match(path)
            if match and verb == method and f"{match['owner']}/{match['repo']}" == self.repository:
                self._allow(token, scope, method)
                self._check_query(template, query if method == "GET" else {})
                payload = self._validated(method, template, body)
                return action(self, token, {**match.groupdict(), **query}, payload)
        raise Refused(404, "Not Found")

    def _user(self, token: Token) -> Answer:
        """A person's token may ask whose it is, a workflow's and an app's may not."""
        if token.login.endswith("[bot]"):
            raise Refused(403, "Resource not accessible by integration")
        return Answer(200, {"login": token.login, "type": "User"})

    def _follow_rename(self, method: str, path: str) -> None:
        for name in self.former_names:
            if path.startswith(f"/repos/{name}/"):
                refused = Refused(301 if method == "GET" else 307, "Moved Permanently")
                refused.answer.headers["location"] = self.base_url + path.replace(name, self.repository, 1)
                raise refused

    def _token(self, headers: Mapping[str, str]) -> Token:
        scheme, _, word = headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or word not in self.tokens:
            raise Refused(401, "Bad credentials")
        return self.tokens[word]

    def _allow(self, token: Token, scope: str, method: str) -> None:
        granted = token.permissions.get(scope, "none")
        if granted == "none" or (method != "GET" and granted != "write"):
            raise Refused(403, "Resource not accessible by integration")

    def _check_query(self, template: str, query: dict[str, str]) -> None:
        unknown = rules.unknown_queries(template, list(query)) if self.validate else []
        if unknown:
            raise Refused(422, f"no such query parameter: {', '.join(unknown)}")

    def _json(self, body: bytes) -> Any:
        try:
            return json.loads(body) if body else None
        except ValueError as error:
            raise Refused(400, "Problems parsing JSON") from error

    def _validated(self, method: str, template: str, body: bytes) -> Any:
        payload = self._json(body)
        if method in ("POST", "PATCH") and not isinstance(payload, dict):
            raise Refused(422, "Body should be a JSON object")
        if method in ("POST", "PATCH") and self.validate:
            found = rules.problems(method, template, payload)
            if found:
                raise Refused(422, f"Validation Failed: {'; '.join(found)[:500]}", found)
        return payload

    def _next_id(self) -> int:
        self._last_id += 1
        self._visible_from[self._last_id] = self._listings + self.lag
        return self._last_id

    # comments

    def _pull(self, fields: Mapping[str, str], key: str) -> dict[str, Any]:
        number = fields[key]
        if not number.isdigit() or int(number) not in self.pulls:
            raise Refused(404, "Not Found")
        return self.pulls[int(number)]

    def _new_comment(self, number: int, body: str, login: str) -> dict[str, Any]:
        id = self._next_id()
        self.comments[id] = {
            "id": id,
            "node_id": f"IC_{id}",
            "html_url": f"https://github.test/{self.repository}/pull/{number}#issuecomment-{id}",
            "body": body,
            "user": {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"},
            "pull": number,
            "minimized": False,
        }
        return self.comments[id]

    def list_comments(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        number = self._pull(fields, "issue_number")["number"]
        return self._paged(self._visible(self.comments_of(number)), fields)

    def create_comment(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        number = self._pull(fields, "issue_number")["number"]
        self._check_length(payload["body"])
        return Answer(201, self._new_comment(number, payload["body"], token.login))

    def _check_length(self, body: str) -> None:
        if len(body) > 65_536:
            raise Refused(422, "Body is too long (maximum is 65536 characters)")

    def _comment(self, fields: Mapping[str, str]) -> dict[str, Any]:
        id = fields["comment_id"]
        if not id.isdigit() or int(id) not in self.comments:
            raise Refused(404, "Not Found")
        return self.comments[int(id)]

    def get_comment(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        return Answer(200, self._comment(fields))

    def update_comment(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        comment = self._comment(fields)
        self._check_length(payload["body"])
        comment["body"] = payload["body"]
        return Answer(200, comment)

    def delete_comment(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        del self.comments[self._comment(fields)["id"]]
        return Answer(204)

    # pulls

    def list_pulls(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        state, head = fields.get("state", "open"), fields.get("head", "")
        rows = [pull for _, pull in sorted(self.pulls.items()) if state in ("all", pull["state"]) and head in ("", pull["head"]["label"])]
        return self._paged(rows, fields)

    def get_pull(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        return Answer(200, self._pull(fields, "pull_number"))

    def pulls_of_commit(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        rows = [pull for _, pull in sorted(self.pulls.items()) if pull["head"]["sha"] == fields["commit_sha"]]
        return self._paged(rows, fields)

    # check runs

    def create_check_run(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        if payload["head_sha"] not in self.commits:
            raise Refused(422, f"No commit found for SHA: {payload['head_sha']}")
        id = self._next_id()
        self.check_runs[id] = {
            "id": id,
            "node_id": f"CR_{id}",
            "name": payload["name"],
            "head_sha": payload["head_sha"],
            "html_url": f"https://github.test/{self.repository}/runs/{id}",
            "app": {"id": 15368 + sum(map(ord, token.app)) % 1000, "slug": token.app},
            "external_id": "",
            "status": "queued",
            "conclusion": None,
            "output": {"title": None, "summary": None, "text": None, "annotations_count": 0},
        }
        self.annotations[id] = []
        return Answer(201, self._apply(self.check_runs[id], payload))

    def _apply(self, run: dict[str, Any], payload: Any) -> dict[str, Any]:
        for name in ("name", "external_id", "status", "conclusion", "details_url"):
            if name in payload:
                run[name] = payload[name]
        if "conclusion" in payload:
            run["status"] = "completed"
        output = payload.get("output", {})
        for name, limit in (("title", 255), ("summary", 65_535), ("text", 65_535)):
            if len(output.get(name, "")) > limit:
                raise Refused(422, f"output.{name} is too long (maximum is {limit} characters)")
            if name in output:
                run["output"][name] = output[name]
        if len(output.get("annotations", [])) > 50:
            raise Refused(422, "No more than 50 annotations per request")
        self.annotations[run["id"]] += output.get("annotations", [])
        run["output"]["annotations_count"] = len(self.annotations[run["id"]])
        return run

    def _run(self, fields: Mapping[str, str]) -> dict[str, Any]:
        id = fields["check_run_id"]
        if not id.isdigit() or int(id) not in self.check_runs:
            raise Refused(404, "Not Found")
        return self.check_runs[int(id)]

    def get_check_run(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        return Answer(200, self._run(fields))

    def update_check_run(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        run = self._run(fields)
        if run["app"]["slug"] != token.app:
            raise Refused(403, "Invalid app_id: check run can only be modified by the GitHub App that created it")
        return Answer(200, self._apply(run, payload))

    def annotations_of_run(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        return self._paged(self.annotations[self._run(fields)["id"]], fields)

    def list_check_runs(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        if fields["ref"] not in self.commits:
            raise Refused(422, f"No commit found for SHA: {fields['ref']}")
        rows = [run for run in self._visible(self.runs_of(fields["ref"])) if fields.get("check_name", run["name"]) == run["name"]]
        rows = [run for run in rows if fields.get("status", run["status"]) == run["status"]]
        if fields.get("filter", "latest") == "latest":
            rows = list({(run["name"], run["app"]["slug"]): run for run in rows}.values())
        answer = self._paged(list(reversed(rows)), fields)
        answer.payload = {"total_count": len(rows), "check_runs": answer.payload}
        return answer

    # the rest

    def get_repository(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        return Answer(200, {"full_name": self.repository, "default_branch": "main"})

    def get_content(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        """A file as base64 up to 1 MB, beyond it without content; a folder as a list; a submodule by its kind."""
        path, commit = urllib.parse.unquote(fields["path"]), fields.get("ref", BASE)
        if commit not in self.commits:
            raise Refused(404, f"No commit found for the ref {commit}")
        held = self.files.get(commit, {})
        below = sorted(name for name in held if name.startswith(f"{path}/"))
        if below:
            return Answer(200, [{"type": "file", "path": name, "name": name.rpartition("/")[2]} for name in below])
        if path not in held:
            raise Refused(404, "Not Found")
        content = held[path]
        small = len(content) <= 1024 * 1024
        row = {"type": "file", "path": path, "name": path.rpartition("/")[2], "size": len(content), "sha": "b" * 40}
        encoded = {"encoding": "base64", "content": base64.encodebytes(content).decode()} if small else {"encoding": "none", "content": ""}
        return Answer(200, row | encoded)

    def get_git_commit(self, token: Token, fields: Mapping[str, str], payload: Any) -> Answer:
        if fields["commit_sha"] not in self.commits:
            raise Refused(404, "Not Found")
        return Answer(200, {"sha": fields["commit_sha"], "tree": {"sha": "c" * 40}, "parents": []})

    def _visible(self, rows: list[Any]) -> list[Any]:
        self._listings += 1
        return [row for row in rows if self._visible_from[row["id"]] < self._listings]

    def _paged(self, rows: list[Any], fields: Mapping[str, str]) -> Answer:
        size = min(max(int(fields.get("per_page", "30")), 1), 100)
        page = max(int(fields.get("page", "1")), 1)
        last = max((len(rows) + size - 1) // size, 1)
        links = []
        for relation, number in (("prev", page - 1), ("next", page + 1), ("last", last), ("first", 1)):
            if (relation == "next" and page < last) or (relation == "prev" and page > 1) or (relation in ("last", "first") and last > 1):
                links.append(f'<{self._page_url(fields, size, number)}>; rel="{relation}"')
        return Answer(200, rows[(page - 1) * size : page * size], {"link": ", ".join(links)} if links else {})

    def _page_url(self, fields: Mapping[str, str], size: int, page: int) -> str:
        query = {name: value for name, value in fields.items() if name in ("filter", "state", "head", "check_name", "status")}
        return f"{self.base_url}{self._current_path(fields)}?{urllib.parse.urlencode({**query, 'per_page': size, 'page': page})}"

    def _current_path(self, fields: Mapping[str, str]) -> str:
        start = f"/repos/{self.repository}"
        if "issue_number" in fields:
            return f"{start}/issues/{fields['issue_number']}/comments"
        if "ref" in fields:
            return f"{start}/commits/{fields['ref']}/check-runs"
        if "commit_sha" in fields:
            return f"{start}/commits/{fields['commit_sha']}/pulls"
        if "check_run_id" in fields:
            return f"{start}/check-runs/{fields['check_run_id']}/annotations"
        return f"{start}/pulls"

    def _graphql(self, token: Token, payload: Any) -> Answer:
        query, variables = payload.get("query", ""), payload.get("variables") or {}
        if "minimizeComment" in query:
            self._allow(token, "pull-requests", "POST")
            return self._minimize(variables.get("id", ""))
        if "nodes(" in query:
            found = [self._node(id) for id in variables.get("ids", [])]
            return Answer(200, {"data": {"nodes": [node and {"id": node["node_id"], "isMinimized": node["minimized"]} for node in found]}})
        if "viewer" in query and token.viewer:
            return Answer(200, {"data": {"viewer": {"login": token.login}}})
        return Answer(200, {"errors": [{"message": "Parse error"}]})

    def _node(self, id: str) -> dict[str, Any] | None:
        return next((comment for comment in self.comments.values() if comment["node_id"] == id), None)

    def _minimize(self, id: str) -> Answer:
        comment = self._node(id)
        if comment is None:
            return Answer(200, {"data": {"minimizeComment": None}, "errors": [{"type": "NOT_FOUND", "message": f"Could not resolve {id}"}]})
        comment["minimized"] = True
        return Answer(200, {"data": {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}})


_START = "/repos/{owner}/{repo}"
_TABLE = [
    ("GET", _START, "contents", Core.get_repository),
    ("GET", _START + "/contents/{path}", "contents", Core.get_content),
    ("GET", _START + "/git/commits/{commit_sha}", "contents", Core.get_git_commit),
    ("GET", _START + "/issues/{issue_number}/comments", "pull-requests", Core.list_comments),
    ("POST", _START + "/issues/{issue_number}/comments", "pull-requests", Core.create_comment),
    ("GET", _START + "/issues/comments/{comment_id}", "pull-requests", Core.get_comment),
    ("PATCH", _START + "/issues/comments/{comment_id}", "pull-requests", Core.update_comment),
    ("DELETE", _START + "/issues/comments/{comment_id}", "pull-requests", Core.delete_comment),
    ("GET", _START + "/pulls", "pull-requests", Core.list_pulls),
    ("GET", _START + "/pulls/{pull_number}", "pull-requests", Core.get_pull),
    ("GET", _START + "/commits/{commit_sha}/pulls", "pull-requests", Core.pulls_of_commit),
    ("GET", _START + "/commits/{ref}/check-runs", "checks", Core.list_check_runs),
    ("POST", _START + "/check-runs", "checks", Core.create_check_run),
    ("GET", _START + "/check-runs/{check_run_id}", "checks", Core.get_check_run),
    ("PATCH", _START + "/check-runs/{check_run_id}", "checks", Core.update_check_run),
    ("GET", _START + "/check-runs/{check_run_id}/annotations", "checks", Core.annotations_of_run),
]
ROUTES = [(method, template, rules.template_pattern(template), scope, action) for method, template, scope, action in _TABLE]
