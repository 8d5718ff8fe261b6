"""As much of mpi4py as minifcn uses, over sockets, for tests where no MPI is. `MPI_RANK`, `MPI_SIZE` and `MPI_FOLDER` say who is who."""
