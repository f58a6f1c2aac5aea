"""What calibration is measured by."""

import numpy
import pytest

from measuring.calibration import expected_calibration_error, log_loss


def test_calibration_error_of_known_numbers() -> None:
    scores = numpy.array([0.95, 0.95, 0.15, 0.15])
    right = numpy.array([True, False, False, False])
    assert expected_calibration_error(scores, right) == pytest.approx(0.3)


def test_a_score_of_one_that_is_right_has_no_error() -> None:
    error = expected_calibration_error(numpy.array([1.0]), numpy.array([True]))
    assert error == 0


def test_log_loss_of_known_numbers() -> None:
    loss = log_loss(numpy.array([0.5, 0.25]), numpy.array([True, False]))
    assert loss == pytest.approx(-(numpy.log(0.5) + numpy.log(0.75)) / 2)


def test_log_loss_is_finite_for_a_sure_mistake() -> None:
    assert log_loss(numpy.array([1.0]), numpy.array([False])) == pytest.approx(
        -numpy.log(1e-6)
    )
