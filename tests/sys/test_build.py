# SPDX-License-Identifier: Apache-2.0
"""The same sources give the same image, wherever they lie and whenever they are built."""
import filecmp

from build import hypervisor_build, source_copy


def test_built_twice_is_equal(tmp_path):
    images = []
    for name, zone in (("one", "UTC0"), ("another/and/deeper", "XYZ-11")):
        source = source_copy(tmp_path / name)
        images.append(hypervisor_build(f"{source}/build/out", source=source, SOURCE_DATE_EPOCH="1700000000", TZ=zone))
    assert filecmp.cmp(*images, shallow=False)
