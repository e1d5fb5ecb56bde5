using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class RomTests : IDisposable
{
    private const ulong Ram = 2 << 20;
    private const ulong RomStart = GuestMemory.HighStart - 8192;

    private readonly SharedMemory _shared = SharedMemory.Create("shared", 4096);
    private readonly SharedMemory _rom = SharedMemory.Of("rom", [.. Enumerable.Range(0, 8192).Select(static i => (byte)(i >> 4))]);
    private readonly GuestMemory _memory;
    private readonly Moves _moves = new();

    public RomTests()
    {
        _memory = new GuestMemory("machine", Ram, _rom, [(_shared, false)]);
        _memory.Observe(_moves);
    }

    public void Dispose()
    {
        _memory.Dispose();
        _rom.Dispose();
        _shared.Dispose();
    }

    [Fact]
    public void WhatTakesNoWritesAnyMore_LeadsNowhere()
    {
        var shadow = new Gpa(GuestMemory.ProtectedStart);
        _memory.SpanOrNowhere(shadow, 8).Fill(1);
        _memory.Protect(ushort.MaxValue);
        _memory.SpanOrNowhere(shadow, 8).Fill(2);
        byte[] bytes = new byte[8];
        Assert.True(_memory.TryRead(shadow, bytes));
        Assert.All(bytes, static b => Assert.Equal(1, b));

        int most = _memory.SpanOrNowhere(shadow, 1 << 18).Length;
        Assert.InRange(most, 1, 1 << 18);
        _memory.SpanOrNowhere(shadow, 1 << 18).Fill(3);
        Assert.Equal(most, _memory.RangeOrNowhere(shadow, 1 << 18).Length);
        Assert.Equal(8, _memory.RangeOrNowhere(shadow, 8).Length);
    }

    [Fact]
    public void Rom_EndsAt4GiB_AndIsRead()
    {
        byte[] bytes = new byte[16];
        Assert.True(_memory.TryRead(new Gpa(GuestMemory.HighStart - 16), bytes));
        Assert.All(bytes, static b => Assert.Equal(0xFF, b));
        Assert.False(_memory.TryRead(new Gpa(RomStart - 1), bytes));
        Assert.False(_memory.TryRead(new Gpa(GuestMemory.HighStart - 15), bytes));
        Assert.Single(_memory.Shared);
    }

    [Fact]
    public void Rom_IsNotWritten_AndIsNobodyElses()
    {
        Assert.False(_memory.TryWriteUInt64(new Gpa(RomStart), 1));
        Assert.False(_memory.TrySpan(new Gpa(RomStart), 8, out _));
        int page = _memory.PageNumber(new Gpa(RomStart));
        Assert.Equal((true, false), (_memory.IsReadOnly(page), _memory.IsShared(page)));
        Assert.Equal((false, true), (_memory.IsReadOnly(page - 1), _memory.IsShared(page - 1)));
    }

    [Fact]
    public void Protect_OfUnits_TakesNoWritesThereAndIsTold()
    {
        _memory.Protect(0x8002); // C4000-C7FFF, FC000-FFFFF

        Assert.Equal(1, _moves.Count);
        Assert.True(_memory.TryWriteUInt64(new Gpa(0xC_3FF8), 1));
        Assert.False(_memory.TryWriteUInt64(new Gpa(0xC_3FFC), 1)); // into it
        Assert.False(_memory.TryWriteUInt64(new Gpa(0xC_7FF8), 1));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0xC_8000), 1));
        Assert.False(_memory.TryWriteUInt64(new Gpa(0xF_FFF8), 1));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x10_0000), 1));
        Assert.False(_memory.TrySpan(new Gpa(0xB_0000), 0x2_0000, out _)); // over it
        Assert.True(_memory.TryReadUInt64(new Gpa(0xC_4000), out _));
        Assert.Equal((true, false), (_memory.IsReadOnly(0xC7), _memory.IsReadOnly(0xC8)));

        _memory.Protect(0x8002);
        Assert.Equal(1, _moves.Count);
        _memory.Protect(0);
        Assert.Equal(2, _moves.Count);
        Assert.True(_memory.TryWriteUInt64(new Gpa(0xC_4000), 1));
    }

    private sealed class Moves : IMemoryObserver
    {
        internal int Count { get; private set; }

        public void OnWritten(Gpa address, ulong length)
        {
        }

        public void OnMoved() => Count++;
    }
}
