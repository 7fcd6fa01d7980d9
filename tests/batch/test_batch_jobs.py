"""What a list of jobs says, and what is refused before the first one runs."""

import re

import pytest
from click.testing import CliRunner

from mrsnb import templates
from mrsnb.batch import Job, Sweep, plan, read_jobs, spread
from mrsnb.batch.jobs import anchored, placed, with_given
from mrsnb.batch.records import inputs_of, recorded
from mrsnb.cli import main
from mrsnb.errors import InputError, MrsnbError, OutputError, ParamError


@pytest.fixture
def listed(tmp_path, tiny):
    """Reads jobs from a list of the given text."""

    def read(text, suffix):
        path = tmp_path / f"jobs.{suffix}"
        path.write_text(text)
        return read_jobs(path, tiny)

    return read


def test_csv_and_yaml_say_the_same(listed, association):
    table = 'name,asn_file,number,cube_build.scalexy,note\na,in/one_asn.json,3,0.2,\nb,in/one_asn.json,,,"x, y"\n'
    lines = (
        "- {name: a, asn_file: in/one_asn.json, number: 3, cube_build.scalexy: 0.2}\n"
        "- {name: b, asn_file: in/one_asn.json, note: 'x, y'}\n"
    )
    names = (
        "a: {asn_file: in/one_asn.json, number: 3, steps: {cube_build: {scalexy: 0.2}}}\n"
        "b: {asn_file: in/one_asn.json, note: 'x, y'}\n"
    )
    asn = str(association)
    expected = [
        Job("a", "tiny", {"asn_file": asn, "number": 3, "steps": {"cube_build": {"scalexy": 0.2}}}),
        Job("b", "tiny", {"asn_file": asn, "note": "x, y"}),
    ]
    assert listed(table, "csv") == listed("\ufeff" + table.replace("\n", "\r\n"), "csv") == expected
    assert listed(lines, "yaml") == listed(names, "yml") == expected


def test_a_directory_is_its_associations(association, tiny):
    (association.parent / "two_asn.json").write_text(association.read_text())
    (association.parent / "truth.json").write_text("{}")
    jobs = read_jobs(association.parent, tiny)
    assert [(job.name, job.parameters["asn_file"]) for job in jobs] == [
        ("one", str(association)),
        ("two", str(association.with_name("two_asn.json"))),
    ]
    assert read_jobs(association, tiny) == jobs[:1]


def test_a_sweep_is_every_combination_with_typed_values(tiny):
    sweeps = [Sweep.parse("cube_build.scalexy=0.1,0.13"), Sweep.parse("outlier_detection.kernel_size=7,7;9,9")]
    made = spread([Job("a", "tiny", {"steps": {"cube_build": {"channel": "1"}}})], sweeps, tiny)
    assert [job.name for job in made] == [
        f"a_scalexy-{s}_kernel_size-{k}" for s in ("0.1", "0.13") for k in ("7-7", "9-9")
    ]
    assert made[1].parameters["steps"] == {
        "cube_build": {"channel": "1", "scalexy": 0.1},
        "outlier_detection": {"kernel_size": [9, 9]},
    }
    assert spread([Job("a", "tiny", {})], [], tiny) == [Job("a", "tiny", {})]


def test_what_is_given_for_all_wins(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refs").mkdir()
    jobs = [Job("a", "tiny", {"number": 1}), Job("b", "tiny", {})]
    made = with_given(jobs, [("number", "4"), ("note", "none"), ("files", "{apcorr: refs/x.asdf}")], tiny)
    for job in made:
        assert job.parameters == {"number": 4, "note": None, "files": {"apcorr": str(tmp_path / "refs/x.asdf")}}


def test_a_pattern_is_the_files_that_match(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b_cal.fits", "a_cal.fits", "a_x1d.fits"):
        (tmp_path / "in" / name).write_bytes(b"x")
    job = Job("a", "tiny", anchored({"files": {"all": "in/*_cal.fits"}}, tmp_path))
    assert [path.name for path in inputs_of(job)] == ["a_cal.fits", "b_cal.fits"]


def test_a_folder_whose_name_is_a_pattern_is_that_folder(tmp_path):
    folder = tmp_path / "run[1]"
    folder.mkdir()
    for name in ("a_cal.fits", "b[2]_cal.fits"):
        (folder / name).write_bytes(b"x")
    for told, found in (("*_cal.fits", ["a_cal.fits", "b[2]_cal.fits"]), ("b[2]_cal.fits", ["b[2]_cal.fits"])):
        job = Job("a", "tiny", anchored({"files": told}, folder))
        assert [path.name for path in inputs_of(job)] == found


def test_words_that_are_no_paths_stay(tmp_path):
    told = {"note": "~nobody_here is/not", "more": "in/**x/[a]", "overrides": {"apcorr": "none", "mrsptcorr": "N/A"}}
    assert anchored(told, tmp_path) == told


@pytest.mark.parametrize("name", templates.names())
def test_a_job_of_every_template_can_be_planned(name, association, tmp_path):
    places = {name: str(tmp_path) for name in ("products_dir", "dir_a", "dir_b")}
    places |= dict.fromkeys(("asn_file", "files"), str(association)) | {"overrides": {"apcorr": "none"}}
    declared = {p.name for p in templates.template(name).parameters}
    job = Job("a", name, {name: value for name, value in places.items() if name in declared})
    assert [job.name for job in plan([job], tmp_path / "out").waiting] == ["a"]


def test_a_parameter_of_a_step_is_left_to_the_step(association, tmp_path):
    told = {"files": str(association), "channel": 1}
    assert plan([Job("a", "cube_build", told)], tmp_path / "out").waiting
    with pytest.raises(ParamError, match="job 'a': channel = 7: not allowed"):
        plan([Job("a", "cube_build", told | {"channel": 7})], tmp_path / "out")


def test_text_gets_the_type_that_the_template_declares(tiny):
    for text in ("3,4", "[3, 4]", "3, 4"):
        assert placed(tiny, "sizes", text) == (("sizes",), [3, 4])
    assert placed(tiny, "tiny.number", "5") == (("number",), 5)
    assert placed(tiny, "steps.cube_build.channel", "1") == (("steps", "cube_build", "channel"), "1")


def test_only_what_is_a_path_becomes_absolute(tmp_path):
    (tmp_path / "archive").mkdir()
    (tmp_path / "mask.reg").touch()
    told = {"preset": "archive", "asn_file": "x_asn.json", "region": "mask.reg", "note": "no.reg", "references": "refs"}
    assert anchored(told, tmp_path) == {
        "preset": "archive",
        "asn_file": str(tmp_path / "x_asn.json"),
        "region": str(tmp_path / "mask.reg"),
        "note": "no.reg",
        "references": str(tmp_path / "refs"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,asn_fiel\na,b\n", "jobs.csv, line 2: template tiny: unknown parameter 'asn_fiel'; did you mean 'asn_f"),
        ("name,number\na,b\n", "line 2: number = 'b': must be int"),
        ("name,number\na\n", "line 2: 1 cells; there are 2 columns"),
        ("name,name\na,b\n", "must name the columns, each once"),
        ("name,cube_build.scalexi\na,1\n", "line 2: cube_build: unknown parameter 'scalexi'; did you mean 'scalexy'"),
        ("number\n1\n", "line 2: it has no name, nor an asn_file"),
        ("name\n", "there is no job in it"),
        ("", "its first line must name the columns"),
    ],
)
def test_a_list_that_is_wrong_is_refused_by_line(listed, text, says):
    with pytest.raises(MrsnbError, match=re.escape(says)):
        listed(text, "csv")


@pytest.mark.parametrize("text", ["a: [1\n", "3\n", "[1, 2]\n", "a: 4\n"])
def test_yaml_that_is_no_list_of_jobs_is_refused(listed, text):
    with pytest.raises(MrsnbError, match=r"jobs\.yaml"):
        listed(text, "yaml")


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"name": "../a"}, InputError, "name of a job = '../a'"),
        ({"name": "A"}, InputError, "two jobs are called 'A'"),
        ({"name": "report.html"}, InputError, "cannot name a folder"),
        ({"name": "x" * 200}, InputError, "cannot name a folder"),
        ({"name": "\u03b1" * 100}, InputError, "cannot name a folder"),
        ({"name": "mine"}, OutputError, "job 'mine': .*mine: is there already, and not from a batch"),
        ({"template": "tinny"}, InputError, "job 'b': template 'tinny': unknown; did you mean 'tiny'"),
        ({"more": {"numb": 1}}, ParamError, "job 'b': template tiny: unknown parameter 'numb'; did you"),
        ({"more": {"number": "1"}}, ParamError, "job 'b': number = '1': must be a whole number$"),
        ({"more": {"number": True}}, ParamError, "job 'b': number = True: must be a whole number"),
        ({"more": {"output_dir": "x"}}, ParamError, "output_dir is not for jobs to choose"),
        ({"more": {"asn_file": "gone_asn.json"}}, InputError, r"job 'b': asn_file = .*gone_asn\.json: there is no"),
        (
            {"more": {"files": {"all": "~nobody_here/a"}}},
            InputError,
            "~nobody_here is the folder of a user who is not known here",
        ),
        ({"more": {"files": {"all": "in/**x/[a]"}}}, InputError, r"files = .*x/\[a\]: there is no such file"),
        (
            {"more": {"steps": {"master_background": {"user_background": "g"}}}},
            InputError,
            "user_background = .*/g: th",
        ),
        ({"more": {"files": {"apcorr": "gone"}}}, InputError, r"job 'b': files = .*gone: there is no such file"),
    ],
)
@pytest.mark.usefixtures("tiny")
def test_what_cannot_run_is_refused_before_anything_is_made(association, tmp_path, changes, kind, says):
    output = tmp_path / "out"
    (output / "mine").mkdir(parents=True)
    good = {"asn_file": str(association)}
    job = Job(changes.get("name", "b"), changes.get("template", "tiny"), good | changes.get("more", {}))
    with pytest.raises(kind, match=says):
        plan([Job("a", "tiny", good), job], output)
    assert [path.name for path in output.iterdir()] == ["mine"]


@pytest.mark.usefixtures("tiny")
def test_a_missing_member_or_association_is_refused(association, tmp_path):
    with pytest.raises(ParamError, match="asn_file is not given: association to process"):
        plan([Job("a", "tiny", {})], tmp_path)
    (association.parent / "one_cal.fits").unlink()
    with pytest.raises(InputError, match=r"job 'a': .*1 of 1 members missing"):
        plan([Job("a", "tiny", {"asn_file": str(association)})], tmp_path)


def test_steps_of_the_pipeline_are_checked_before(small_dataset, tmp_path):
    told = {"asn_file": str(small_dataset.association), "steps": {"cube_build": {"weighting": "dirzzle"}}}
    with pytest.raises(ParamError, match=r"job 'a': cube_build\.weighting = 'dirzzle'"):
        plan([Job("a", "spec3_mrs", told)], tmp_path)
    with pytest.raises(ParamError, match="job 'a': preset = 'x'"):
        plan([Job("a", "spec3_mrs", {"asn_file": told["asn_file"], "preset": "x"})], tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--sweep", "number"], "must be PARAMETER=VALUE,VALUE"),
        (["--sweep", "number=1,1"], "1 is there twice"),
        (["--sweep", "number=1,2", "--sweep", "number=3"], "--sweep number: given twice"),
        (["--sweep", "numb=1"], "unknown parameter 'numb'"),
        (["-p", "number", "x"], "number = 'x': must be int"),
        (["--memory-limit", "2X"], "--memory-limit=2X: must be a size"),
        (["--workers", "0"], "0 is not in the range"),
        (["--workers", "1", "--scheduler", "tcp://127.0.0.1:1"], "a scheduler has its workers"),
        (["--template", "gone"], "template 'gone': unknown"),
    ],
)
@pytest.mark.usefixtures("tiny")
def test_the_command_refuses_in_one_line(association, tmp_path, options, says):
    command = ["batch", str(association), "--template", "tiny", "-o", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tiny")
def test_a_dry_run_lists_the_jobs_and_makes_nothing(association, tmp_path):
    command = ["batch", str(association), "--template", "tiny", "-o", str(tmp_path / "out"), "--sweep", "number=1,2"]
    result = CliRunner().invoke(main, [*command, "--dry-run"])
    assert result.exit_code == 0, result.output
    assert [line.split()[:3] for line in result.stdout.splitlines()[2:4]] == [
        ["one_number-1", "to", "run"],
        ["one_number-2", "to", "run"],
    ]
    assert result.stdout.endswith("2 jobs, 2 to run\n")
    assert not (tmp_path / "out").exists()


def test_records_of_others_are_believed_only_if_they_can_be(tmp_path):
    good = {"name": "a", "template": "spec3_mrs", "state": "done", "parameters": {}, "files": {"x": 1}, "seconds": 1}
    assert recorded(tmp_path / "a", good).kept
    for bad in (
        {"state": "<script>"},
        {"name": ".."},
        {"template": "../x"},
        {"seconds": "1"},
        {"seconds": float("nan")},
        {"peak_memory": 10**400},
        {"threads": True},
        {"error": ["x"]},
        {"files": {"x": "1"}},
        {"parameters": None},
    ):
        content = good | bad
        assert recorded(tmp_path / content["name"], content) is None
