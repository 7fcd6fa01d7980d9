"""What ``--help`` shows of each command's use, ready to be typed."""

import click

EXAMPLES = {
    "": [
        "mrsnb demo  # a star in all bands, processed in a notebook",
        "mrsnb simulate raw --sub-bands=short  # or in four of them, to play with",
        "mrsnb spec3 raw/simulated_lvl3_asn.json --output-dir out",
        "mrsnb report out",
        "mrsnb lab raw/simulated_lvl3_asn.json --output-dir out",
    ],
    "demo": ["mrsnb demo", "mrsnb demo --output-dir elsewhere"],
    "simulate": [
        "mrsnb simulate raw",
        "mrsnb simulate raw --name=star --sub-bands=short --detectors=MIRIFUSHORT --dithers=4",
        "mrsnb simulate raw --background --pattern=extended --seed=7",
    ],
    "download": [
        "mrsnb download --program 1328 --obs 1 --obs 2 -o raw --dry-run",
        "mrsnb download --program 1328 --obs 1 --obs 2 -o raw",
    ],
    "associate": [
        "mrsnb associate -o my_target_lvl3_asn.json --product-name my_target *_cal.fits",
        "mrsnb associate -o asn.json --product-name ngc7319 --background sky_x1d.fits raw/*_cal.fits",
    ],
    "spec3": [
        "mrsnb spec3 my_target_lvl3_asn.json --output-dir out --report",
        "mrsnb spec3 my_target_lvl3_asn.json --output-dir out --steps.cube_build.channel=1",
        "mrsnb spec3 my_target_lvl3_asn.json --output-dir same --preset jwst-3.0",
        "mrsnb spec3 my_target_lvl3_asn.json --output-dir mine --config my_params.yaml",
    ],
    "batch": [
        "mrsnb batch raw -o out --workers 4",
        "mrsnb batch raw -o out --sweep cube_build.scalexy=0.1,0.13,0.17 --dry-run",
        "mrsnb batch jobs.csv -o out --template extract_1d --retries 1 --memory-limit 2G",
        "mrsnb batch raw -o out --scheduler tcp://host:8786",
    ],
    "run": [
        "mrsnb run cube_build my_target_lvl3_asn.json --output-dir out --channel=1 --weighting=emsm",
        "mrsnb run extract_1d out/*_s3d.fits --output-dir out --ifu_rscale=1.5",
    ],
    "run assign_mtwcs": ["mrsnb run assign_mtwcs comet_lvl3_asn.json --output-dir out"],
    "run master_background": [
        "mrsnb run master_background my_target_lvl3_asn.json --output-dir out --median_kernel=5",
        "mrsnb run master_background *_cal.fits --background sky_x1d.fits --output-dir out",
    ],
    "run mrs_imatch": ["mrsnb run mrs_imatch my_target_lvl3_asn.json --output-dir out --bkg_degree=0"],
    "run outlier_detection": [
        "mrsnb run outlier_detection my_target_lvl3_asn.json --output-dir out --snr=6,4.5",
        "mrsnb run outlier_detection *_cal.fits --output-dir out --method=neighbours --kernel_size=11,1",
    ],
    "run adaptive_trace_model": [
        "mrsnb run adaptive_trace_model my_target_lvl3_asn.json --output-dir out --oversample=2",
    ],
    "run pixel_replace": ["mrsnb run pixel_replace my_target_lvl3_asn.json --output-dir out --algorithm=fit_profile"],
    "run cube_build": [
        "mrsnb run cube_build my_target_lvl3_asn.json --output-dir out --channel=1 --scalexy=0.1",
        "mrsnb run cube_build *_cal.fits --product-name my_target --weighting=emsm",
    ],
    "run extract_1d": [
        "mrsnb run extract_1d my_target_ch1-short_s3d.fits --ifu_rscale=1.5",
        "mrsnb run extract_1d out/*_s3d.fits --output-dir out --ifu_autocen=true",
    ],
    "run spectral_leak": ["mrsnb run spectral_leak out/*_x1d.fits --output-dir corrected"],
    "run combine_1d": ["mrsnb run combine_1d one/*_x1d.fits two/*_x1d.fits --product-name both --sigma_clip=3"],
    "templates": ["mrsnb templates", "mrsnb templates cube_build", "mrsnb templates cube_build --copy ."],
    "notebook": [
        "mrsnb notebook cube_build done.ipynb -p files my_target_lvl3_asn.json -p weighting emsm",
        "mrsnb notebook outlier_detection done.ipynb -y 'snr: [8, 6]' -p files my_target_lvl3_asn.json",
    ],
    "lab": ["mrsnb lab my_target_lvl3_asn.json --output-dir out", "mrsnb lab out"],
    "app": ["mrsnb app my_target_lvl3_asn.json --output-dir out --dark"],
    "show": [
        "mrsnb show my_target_lvl3_asn.json",
        "mrsnb show out/my_target_ch1-short_s3d.fits --png cube.png",
        "mrsnb show out/my_target_ch1-short_x1d.fits --provenance",
    ],
    "report": ["mrsnb report out", "mrsnb report out -o quality.html"],
    "rerun": [
        "mrsnb rerun out/my_target_ch1-short_s3d.fits",
        "mrsnb rerun my_target_ch1-short_x1d.fits --inputs raw --output-dir again",
    ],
    "presets": ["mrsnb presets"],
    "params": [
        "mrsnb params --preset archive",
        "mrsnb params --steps.cube_build.channel=1 -o my_params.yaml",
    ],
    "references": [
        "mrsnb references",
        "mrsnb references --references refs",
        "mrsnb references --crds my_target_lvl3_asn.json -o refs",
    ],
    "compare": ["mrsnb compare out again", "mrsnb compare out official --rtol 1e-4"],
    "verify": ["mrsnb verify out", "mrsnb verify out/my_target_ch1-short_s3d.fits"],
    "warmup": ["mrsnb warmup"],
    "strun": [
        "mrsnb strun calwebb_spec3 ASN.json --output_dir=out --steps.outlier_detection.skip=true",
        "mrsnb strun cfgs/calwebb_spec3.cfg ASN.json",
        "mrsnb strun cube_build EXPOSURE_cal.fits --channel=1",
    ],
    "asn_from_list": ["mrsnb asn_from_list -o my_asn.json --product-name my_target *_cal.fits"],
    "collect_pipeline_cfgs": ["mrsnb collect_pipeline_cfgs cfgs"],
}
"""Command to what is typed; a comment, after two blanks and a hash, says what for."""


def add_examples(main: click.Group) -> None:
    """Let the help of each command end with its examples."""
    for words, lines in EXAMPLES.items():
        command: click.Command = main
        for word in words.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        command.epilog = example_text(lines)


def example_text(lines: list[str]) -> str:
    """Return examples as help shows them: comments beside one another, nothing wrapped."""
    pairs = [line.partition("  # ")[::2] for line in lines]
    width = max((len(typed) for typed, why in pairs if why), default=0)
    rows = [f"  {typed:<{width}}  # {why}" if why else f"  {typed}" for typed, why in pairs]
    return "\n".join(["\b", "Examples:", *rows])
