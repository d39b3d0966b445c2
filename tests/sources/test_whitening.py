"""Whitening: the formulas, checked against scikit-learn and by hand, and what is kept on disk."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from sklearn.decomposition import PCA

from akidlab.errors import DataError
from akidlab.sources import whitening
from akidlab.sources.whitening import ZCAWhitening, contrast_normalize


@pytest.fixture
def images() -> torch.Tensor:
    noise = torch.randn(300, 2, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return noise.cumsum(-1).cumsum(1) + 5


def test_after_contrast_normalisation_the_mean_is_zero_and_the_norm_is_the_scale(images):
    rows = contrast_normalize(images, scale=55).flatten(1)

    torch.testing.assert_close(rows.mean(1), torch.zeros(300, dtype=torch.float64))
    torch.testing.assert_close(rows.norm(dim=1), torch.full((300,), 55.0, dtype=torch.float64))


def test_contrast_normalisation_with_a_bias_is_the_formula(images):
    rows = images.flatten(1)
    centred = rows - rows.mean(1, keepdim=True)

    expected = 2 * centred / (3 + (centred**2).sum(1, keepdim=True)).sqrt()

    torch.testing.assert_close(contrast_normalize(images, scale=2, bias=3), expected.view_as(images))


def test_contrast_normalisation_forgets_brightness_and_contrast(images):
    torch.testing.assert_close(contrast_normalize(images * 7 - 20), contrast_normalize(images))


def test_an_image_without_contrast_becomes_zero():
    assert contrast_normalize(torch.full((2, 1, 4, 4), 3.0)).eq(0).all()


def test_whitening_is_pca_whitening_turned_back(images):
    pca = PCA(whiten=True).fit(images.flatten(1).numpy())
    turned = torch.from_numpy(pca.transform(images.flatten(1).numpy()) @ pca.components_)

    whitened = ZCAWhitening.fit(images, bias=0)(images).flatten(1)

    torch.testing.assert_close(whitened, turned * (300 / 299) ** 0.5)  # scikit-learn divides by n - 1


def test_whitened_images_have_no_correlation_and_the_inverse_gives_them_back(images):
    whiten = ZCAWhitening.fit(images, bias=0)

    whitened = whiten(images)

    torch.testing.assert_close(whitened.flatten(1).T.cov(correction=0), torch.eye(18, dtype=torch.float64))
    torch.testing.assert_close(whiten.inverse(whitened), images)


def test_the_bias_is_added_to_each_eigenvalue(images):
    covariance = images.flatten(1).T.cov(correction=0)
    values, vectors = torch.linalg.eigh(covariance)

    whiten = ZCAWhitening.fit(images, bias=0.1)

    torch.testing.assert_close(whiten.matrix, vectors @ torch.diag((values + 0.1) ** -0.5) @ vectors.T)


def test_chunks_change_nothing(images, monkeypatch: pytest.MonkeyPatch):
    whole = ZCAWhitening.fit(images)
    monkeypatch.setattr(whitening, "_CHUNK", 7)

    torch.testing.assert_close(ZCAWhitening.fit(images).matrix, whole.matrix)


def test_a_direction_without_variance_needs_a_bias(images):
    images[:, 0, 0, 0] = 4

    with pytest.raises(DataError, match=r"In some direction the images do not vary .* Give a `bias` above 0"):
        ZCAWhitening.fit(images, bias=0)


def test_one_image_is_too_few(images):
    with pytest.raises(DataError, match="learned from many images, found 1"):
        ZCAWhitening.fit(images[:1])


def test_images_of_another_size_are_refused(images):
    whiten = ZCAWhitening.fit(images)

    with pytest.raises(DataError, match=r"images of 18 values, found 9 \(shape \(300, 1, 3, 3\)\)"):
        whiten(images[:, :1])


def test_what_was_learned_is_kept_and_used_again(images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = ZCAWhitening.cached(images.float(), folder=tmp_path / "kept")
    monkeypatch.setattr(ZCAWhitening, "fit", None)

    again = ZCAWhitening.cached(images.float(), folder=tmp_path / "kept")

    assert again.matrix.equal(first.matrix)
    assert again(images.float()).equal(first(images.float()))


def test_other_images_or_another_bias_are_another_whitening(images, tmp_path: Path):
    images = images.float()
    ZCAWhitening.cached(images, folder=tmp_path / "kept")

    other = ZCAWhitening.cached(images, bias=0.2, folder=tmp_path / "kept")
    changed = ZCAWhitening.cached(images.flip(1), folder=tmp_path / "kept")

    assert len(list((tmp_path / "kept").iterdir())) == 3
    torch.testing.assert_close(other.matrix, ZCAWhitening.fit(images, 0.2).matrix)
    torch.testing.assert_close(changed.matrix, ZCAWhitening.fit(images.flip(1)).matrix)


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: c[:-1] + b"\x11", lambda c: b""])
def test_a_damaged_file_is_computed_anew_and_mended(images, tmp_path: Path, caplog, damage):
    first = ZCAWhitening.cached(images.float(), folder=tmp_path / "kept")
    (path,) = (tmp_path / "kept").iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))

    with caplog.at_level(logging.WARNING, "akidlab"):
        again = ZCAWhitening.cached(images.float(), folder=tmp_path / "kept")

    assert again.matrix.equal(first.matrix)
    assert path.read_bytes() == whole
    assert "is computed anew" in caplog.text


def test_a_cache_that_cannot_be_written_does_not_stop_it(images, tmp_path: Path, caplog):
    (tmp_path / "file").write_bytes(b"")

    whiten = ZCAWhitening.cached(images, folder=tmp_path / "file")

    assert len(whiten.mean) == 18
    assert "could not be kept" in caplog.text
