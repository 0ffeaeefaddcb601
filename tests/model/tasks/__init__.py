# SPDX-License-Identifier: Apache-2.0
"""Tests of model/tasks: data files, data sets and regression tasks."""
