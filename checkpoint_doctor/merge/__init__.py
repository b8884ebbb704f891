"""Merging an adapter into its base: plan from headers, stream row blocks, prove, rename into place last.

Import `checkpoint_doctor.merge.engine` for the work itself; importing this package costs nothing.
"""
