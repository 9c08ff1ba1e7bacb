"""Two modalities on one region: how they go together voxel by voxel, and features of the two fused."""
