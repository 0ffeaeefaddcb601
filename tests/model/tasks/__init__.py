"""Tests of model/tasks: data files, data sets and regression tasks."""
