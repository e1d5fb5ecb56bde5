using System.Buffers.Binary;
using System.Numerics;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;

namespace Bulkhead.Machine.Time;

/// <summary>The clock KVM offers its guests: the time of day to the nanosecond, and how the TSC makes time.</summary>
/// <remarks>
/// <para>The CMOS clock knows whole seconds only; with this an unmodified Linux has the right time from its first moment, and
/// need not measure the TSC. But it would set its time again when it finds the CMOS clock, half a second wrong on average; so
/// the ACPI tables give that device no resources once this clock has been read, which a port tells them. Every vCPU is given the same line through (TSC, time), so that they agree exactly.</para>
/// <para><i>Source</i>: Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_WALL_CLOCK_NEW and MSR_KVM_SYSTEM_TIME_NEW; cpuid.rst.
/// <i>Threading</i>: any vCPU's thread.</para>
/// </remarks>
internal sealed class KvmClock : IIoDevice
{
    private const uint WallClock = 0x4B56_4D00;
    private const uint SystemTime = 0x4B56_4D01;
    private const ulong Enabled = 1;
    private const int Flags = 29;
    private const byte TscStable = 1;
    private const byte GuestStopped = 2;
    private const long NsPerSecond = 1_000_000_000;

    private readonly GuestMemory _memory;
    private readonly long _utcNs;
    private readonly ulong _tsc;
    private readonly uint _multiplier;
    private readonly sbyte _shift;
    private readonly ulong[] _pages;
    private bool _used;

    /// <summary>A clock that stands at zero now, when it is <paramref name="utcNs"/> since 1970.</summary>
    internal KvmClock(GuestMemory memory, IClock clock, long utcNs, int vcpus)
    {
        _pages = new ulong[vcpus];
        _memory = memory;
        _utcNs = utcNs;
        _tsc = clock.GuestTsc;
        (_multiplier, _shift) = Scale(clock.TscHz);
    }

    /// <summary>Tells the guest that it was held still, so that it does not take the time for its own standing still.</summary>
    internal void NoteStopped()
    {
        Span<byte> flags = stackalloc byte[1];
        for (int vcpu = 0; vcpu < _pages.Length; vcpu++)
        {
            var address = new Gpa(Volatile.Read(ref _pages[vcpu]) + Flags);
            if (address.Value != Flags && _memory.TryRead(address, flags))
            {
                flags[0] |= GuestStopped;
                _ = _memory.TryWrite(address, flags);
            }
        }
    }

    /// <summary>Takes a vCPU's WRMSR; false: another MSR, or an address that is not RAM.</summary>
    internal bool TryWriteMsr(int vcpu, uint index, ulong value)
    {
        switch (index)
        {
            case WallClock:
                Span<byte> wall = stackalloc byte[12];
                BinaryPrimitives.WriteUInt32LittleEndian(wall, 2); // version: even, so complete
                BinaryPrimitives.WriteUInt32LittleEndian(wall[4..], (uint)(_utcNs / NsPerSecond));
                BinaryPrimitives.WriteUInt32LittleEndian(wall[8..], (uint)(_utcNs % NsPerSecond));
                Volatile.Write(ref _used, true);
                return _memory.TryWrite(new Gpa(value), wall);
            case SystemTime when (value & Enabled) == 0:
                Volatile.Write(ref _pages[vcpu], 0);
                return true;
            case SystemTime:
                Span<byte> time = stackalloc byte[32];
                time.Clear();
                BinaryPrimitives.WriteUInt32LittleEndian(time, 2);
                BinaryPrimitives.WriteUInt64LittleEndian(time[8..], _tsc);
                BinaryPrimitives.WriteUInt32LittleEndian(time[24..], _multiplier);
                time[28] = (byte)_shift;
                time[Flags] = TscStable;
                Volatile.Write(ref _pages[vcpu], value & ~Enabled);
                return _memory.TryWrite(new Gpa(value & ~Enabled), time);
            default:
                return false;
        }
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Clear();
        data[0] = Volatile.Read(ref _used) ? (byte)1 : (byte)0;
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data) => IoResult.GuestError;

    /// <summary>Nanoseconds are (ticks · 2^shift) · multiplier / 2^32.</summary>
    internal static (uint Multiplier, sbyte Shift) Scale(ulong hz)
    {
        int shift = BitOperations.Log2(NsPerSecond) - BitOperations.Log2(hz);
        UInt128 shifted = Shift(hz, shift);
        if (shifted <= NsPerSecond)
        {
            shift++;
        }

        // 1e9 · 2^32 / (hz · 2^shift), in whole numbers whichever way the shift goes.
        UInt128 multiplier = shift > 0 ? ((UInt128)NsPerSecond << 32) / ((UInt128)hz << shift) : ((UInt128)NsPerSecond << (32 - shift)) / hz;
        return ((uint)multiplier, (sbyte)shift);
    }

    private static UInt128 Shift(ulong value, int by) => by >= 0 ? (UInt128)value << by : value >> -by;
}
