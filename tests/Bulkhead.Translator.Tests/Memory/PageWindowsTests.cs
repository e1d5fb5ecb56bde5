using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Memory;

/// <summary>Which address spaces have windows. What is looked up in one is tested by random code and by guests.</summary>
public sealed unsafe class PageWindowsTests : IDisposable
{
    private const ulong FirstRoot = 0x1000;
    private const ulong SecondRoot = 0x5000;
    private const ulong Code = 0x5555_5540_1000;
    private const ulong Table = 7;

    private readonly GuestMemory _memory = new("windows", 1 << 20);
    private readonly PrivateMemory _stateMemory = new((ulong)sizeof(VcpuState));
    private readonly VcpuState* _state;
    private readonly PageWindows _windows;

    public PageWindowsTests()
    {
        _state = (VcpuState*)_stateMemory.Pointer;
        _windows = new PageWindows(_state, _memory, new MappingBudget(64), always: false);
        Map(FirstRoot, 0x9000);
        Map(SecondRoot, 0x9000);
        Run(FirstRoot);
    }

    public void Dispose()
    {
        _windows.Dispose();
        _stateMemory.Dispose();
        _memory.Dispose();
    }

    [Fact]
    public void NoteFound_TwelveTimesInOnePage_OpensAWindowForThatRootAlone()
    {
        Find(Code, 11);
        Assert.False(_windows.HasWindow());
        Assert.True(_windows.NoteFound(Code));
        Assert.True(_windows.HasWindow());
        Assert.False(_windows.NoteFound(Code));
        Run(SecondRoot);
        Assert.False(_windows.HasWindow());
        Run(FirstRoot);
        Assert.True(_windows.HasWindow());
    }

    [Fact]
    public void NoteFound_InManyPages_OpensNone()
    {
        for (ulong i = 0; i < 100; i++)
        {
            Assert.False(_windows.NoteFound(Code + (i << 12)));
        }

        Assert.False(_windows.HasWindow());
    }

    [Fact]
    public void HasWindow_RootUsedForAnotherProcess_IsNot()
    {
        Find(Code, 12);
        Run(SecondRoot);
        Assert.False(_windows.HasWindow());
        Map(FirstRoot, 0xA000);
        Run(FirstRoot);

        Assert.False(_windows.HasWindow());

        Find(Code, 12);
        Assert.True(_windows.HasWindow());
    }

    private void Find(ulong page, int times)
    {
        for (int i = 0; i < times; i++)
        {
            _ = _windows.NoteFound(page);
        }
    }

    private void Run(ulong root) => _state->Registers.Cr3 = root;

    /// <summary>Has the page of code lie at an address, by tables of the root's own.</summary>
    private void Map(ulong root, ulong at)
    {
        ulong table = root;
        for (int shift = 39; shift >= 12; shift -= 9)
        {
            ulong next = shift == 12 ? at : table + 0x1000;
            Assert.True(_memory.TryWriteUInt64(new Gpa(table + (((Code >> shift) & 511) << 3)), next | Table));
            table = next;
        }
    }
}
