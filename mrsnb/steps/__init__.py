"""The steps of level 3: values in, a `Result` out; no files.

Examples
--------
Those of the steps go on from here, with the files of the example of `mrsnb`:

>>> from mrsnb.io.association import read_association
>>> from mrsnb.io.references import load_references
>>> from mrsnb.pipeline import open_science
>>> from mrsnb.steps.cube_build import CubeBuildParams, Tracer, cube_build, plan_cubes
>>> from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
>>> exposures, values = open_science(read_association("raw/star_lvl3_asn.json")), load_references()
>>> exposure = exposures[0].load()
>>> params = CubeBuildParams(channel="1", wavemin=5.2, wavemax=5.3)
>>> plan = plan_cubes(exposures, params, values.cubepar)[0]
>>> tracer = Tracer(plan, params)
>>> cube = cube_build(exposures, params, values.cubepar, product="star").cubes[0]
>>> spectrum = extract_1d(cube, Extract1dParams(), values.extract1d, values.apcorr).spectra[0]
>>> cube.name, spectrum.name
('star_ch1-short_s3d.fits', 'star_ch1-short_x1d.fits')
"""
