"""Names that lead out of the tree, links planted in it, files in the making."""

import os
from urllib.parse import quote

import pytest
from django.core.cache import cache

from cbt.faces.exam_files import library, tree
from cbt.faces.exam_files.tests.factories import put_exam
from cbt.kernel import clock

#: Ids of the corpus of path traversal; each is tried as it is and percent-encoded once and twice.
CORPUS = [
    "..", ".", "../secret", "../../secret", "..%2fsecret", "..%252fsecret", "%2e%2e%2fsecret", "..\\secret",
    "..%5csecret", "....//secret", "..;/secret", "/etc/passwd", "//etc/passwd", "C:\\secret", "C:secret",
    "\\\\host\\x", "secret.json", "exam1.json", "exam1/", "exam1/.", "exam1/../exam1", "exam1.", "exam1 ",
    " exam1", "exam1\t", "exam1\n", "exam1\x00", "exam1%00", "exam1\x00.json", "exam1;x", "exam1?x", "exam1#x",
    "exam1*", "*", "?", "[a-z]", "~", "~root", "$HOME", "`id`", "$(id)", "|id", "&id", "'", '"', "<exam1>",
    "exam1:stream", "-", "--help", "CON", "NUL", "AUX.json", "\u2025/secret", "\uff0e\uff0e/secret", "ex\u0430m1",
    "e\u0301xam1", "\u202eexam1", "\ufeffexam1", "x" * 65, "x" * 300, "%c0%ae%c0%ae/secret", "..%c0%afsecret",
    "%uff0e%uff0e", "input", "manifest", ".locks", "..json",
]  # fmt: skip


@pytest.fixture
def secret(tree_root):
    """A file outside the tree and one above it, which nobody may read or change."""
    root = tree.root()
    for folder in (root.parent, root.parent.parent, root):
        (folder / "secret.json").write_text('{"secret": "sentinel"}')
    yield root
    for folder in (root.parent, root.parent.parent, root):
        assert (folder / "secret.json").read_text() == '{"secret": "sentinel"}'


def test_ids__when_they_are_no_names__then_404_and_the_sentinel_untouched(browser, secret):
    put_exam("exam1")
    count = 0
    before = {path: path.read_bytes() for path in secret.rglob("*") if path.is_file() and ".locks" not in str(path)}
    for text in CORPUS:
        cache.clear()  # the limit of requests is not what is tried here
        for spelled in {quote(text, safe=""), quote(quote(text, safe=""), safe=""), quote(text, safe="/%\\")}:
            for method, path in (
                ("GET", f"/api/exams/{spelled}"), ("POST", f"/api/exams/{spelled}/attempt"),
                ("PUT", f"/api/attempts/{spelled}"), ("POST", f"/api/attempts/{spelled}/submit"),
            ):  # fmt: skip
                if spelled in {"exam1/", "exam1/."} or spelled.startswith(("exam1%3Fx", "exam1#")):
                    continue
                response = browser.send(method, path, {"answers": []} if method == "PUT" else None)
                assert response.status_code in {400, 404, 405, 301}, (method, path, response.content)
                assert b"sentinel" not in response.content
                count += 1
    assert count >= 500
    after = {path: path.read_bytes() for path in secret.rglob("*") if path.is_file() and ".locks" not in str(path)}
    assert after == before


@pytest.mark.parametrize("text", [*CORPUS[:-6], ""])
def test_is_name__when_it_could_lead_elsewhere__then_not(text):
    assert not tree.is_name(text) or text in {"-", "--help", "CON", "NUL"}


@pytest.mark.parametrize("path", [
    ("..", "secret.json"), ("input", "..", "secret.json"), ("input", "../secret.json"), ("", "secret.json"),
    ("input", "..json"), ("input/x", "a.json"), ("input", "a.json\n"), ("input", ".a.json"), ("/etc", "a.json"),
])  # fmt: skip
def test_paths__when_built_wrongly__then_refused(secret, path):
    for act in (lambda: tree.read(path), lambda: tree.write(path, b"x"), lambda: tree.signature(path)):
        with pytest.raises(tree.Refused):
            act()


def test_link_in_input__then_not_followed_and_named(browser, secret, caplog):
    put_exam("exam1")
    os.symlink(secret / "input" / "exam1.json", secret / "input" / "linked.json")
    os.mkfifo(secret / "input" / "pipe.json")
    (secret / "input" / "folder.json").mkdir()
    assert [row["examId"] for row in browser.get("/api/exams").json()] == ["exam1"]
    assert browser.get("/api/exams/linked").json()["error_code"] == "EXAM_NOT_FOUND"
    assert {broken.exam_id for broken in library.exams()[1]} == {"linked", "pipe", "folder"}
    assert "input/linked.json" in caplog.text


@pytest.mark.parametrize("name", ["input", "attempts", "output", "progress"])
def test_folder_that_is_a_link__then_nothing_is_read_or_written_through_it(secret, tmp_path_factory, name):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.json").write_text("{}")
    os.symlink(outside, secret / name)
    for act in (lambda: tree.read((name, "a.json")), lambda: tree.write((name, "b.json"), b"x")):
        with pytest.raises(tree.Refused):
            act()
    assert [path.name for path in outside.iterdir()] == ["a.json"]


def test_file_that_is_a_link__then_neither_read_nor_written(secret):
    tree.write(("output", "a.json"), b"{}")
    os.symlink(secret / "secret.json", secret / "output" / "b.json")
    for act in (lambda: tree.read(("output", "b.json")), lambda: tree.write(("output", "b.json"), b"x")):
        with pytest.raises(tree.Refused):
            act()


def test_attempt_behind_a_link__then_the_save_stands_and_nothing_leaves_the_tree(browser, secret, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    put_exam("exam1")
    os.symlink(outside, secret / "attempts")
    attempt = browser.post("/api/exams/exam1/attempt").json()
    response = browser.put(
        f"/api/attempts/{attempt['attemptId']}", {"answers": [{"questionId": "q1", "response": "a"}]}
    )
    assert response.json()["answers"] == [{"questionId": "q1", "response": "a"}]
    assert list(outside.iterdir()) == []


def test_write__then_private_to_the_server(tree_root):
    tree.write(("attempts", "1", "e", "2.json"), b"{}")
    assert (tree_root / "attempts/1/e/2.json").stat().st_mode & 0o777 == 0o600
    assert (tree_root / "attempts/1").stat().st_mode & 0o777 == 0o700


def test_sweep__then_only_old_strays_go(tree_root):
    tree.write(("attempts", "1", "e", "2.json"), b"{}")
    folder = tree_root / "attempts/1/e"
    for name, age in ((".2.json.aa.tmp", 3600), (".2.json.bb.tmp", 10)):
        (folder / name).write_text("half")
        moment = clock.now().timestamp() - age
        os.utime(folder / name, (moment, moment))
    assert tree.sweep() == 1
    assert sorted(path.name for path in folder.iterdir()) == [".2.json.bb.tmp", "2.json"]
