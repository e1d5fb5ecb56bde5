using Xunit;

// Guests with two vCPUs take both CPUs of a small host, and a guest that spins beside another test only makes both slow.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
