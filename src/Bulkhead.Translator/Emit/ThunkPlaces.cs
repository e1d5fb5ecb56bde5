namespace Bulkhead.Translator.Emit;

/// <summary>The executable addresses of the thunks that blocks go to.</summary>
/// <param name="Leave">See <see cref="Thunks.Leave"/>.</param>
/// <param name="LeaveSavingFlags">See <see cref="Thunks.LeaveSavingFlags"/>.</param>
/// <param name="Indirect">See <see cref="Thunks.Indirect"/>.</param>
/// <param name="JoinFlags">See <see cref="Thunks.JoinFlags"/>.</param>
/// <param name="SlotMiss">See <see cref="Thunks.SlotMiss"/>.</param>
/// <param name="WindowMiss">See <see cref="Thunks.WindowMiss"/>.</param>
/// <param name="LookUp">See <see cref="Thunks.LookUp"/>.</param>
/// <param name="ChangeView">See <see cref="Thunks.ChangeView"/>.</param>
/// <param name="Syscall">See <see cref="Thunks.Syscall"/>.</param>
/// <param name="Sysret">See <see cref="Thunks.Sysret"/>.</param>
/// <param name="Cpuid">See <see cref="Thunks.Cpuid"/>.</param>
/// <param name="WriteMsr">See <see cref="Thunks.WriteMsr"/>.</param>
internal sealed record ThunkPlaces(
    ulong Leave, ulong LeaveSavingFlags, ulong[] Indirect, ulong JoinFlags, ulong[] SlotMiss, ulong[] WindowMiss, ulong[] LookUp, ulong[] ChangeView,
    ulong Syscall, ulong Sysret, ulong Cpuid, ulong WriteMsr);
