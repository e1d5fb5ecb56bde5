namespace Bulkhead.Machine.Smbios;

/// <summary>What the tables tell of a machine.</summary>
/// <param name="Uuid">By what it is told from others.</param>
/// <param name="Vcpus">How many vCPUs it has.</param>
/// <param name="LowBytes">Its RAM from 0 on.</param>
/// <param name="HighBytes">Its RAM from 4 GiB on.</param>
internal readonly record struct SmbiosMachine(Guid Uuid, int Vcpus, ulong LowBytes, ulong HighBytes);
