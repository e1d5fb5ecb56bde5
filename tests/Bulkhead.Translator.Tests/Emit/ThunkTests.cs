using System.Runtime.Intrinsics.X86;
using Bulkhead.Host.Memory;
using Bulkhead.Host.Processor;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Emit;

/// <summary>The way into translated code and out of it, with host code that only looks around.</summary>
public sealed unsafe class ThunkTests : IDisposable
{
    private const int StackBytes = 4096;
    private const int VectorBytes = 32;
    private const ulong UpperHalves = 1 << 2;

    private readonly ExecutableMemory _code = ExecutableMemory.Create("thunk-test", 1 << 16);
    private readonly PrivateMemory _memory = new((ulong)sizeof(VcpuState));
    private readonly PrivateMemory _stack = new(StackBytes);
    private readonly Thunks _thunks = new();
    private readonly VcpuState* _state;

    public ThunkTests()
    {
        Assert.Null(EngineOptions.TryParse("", out EngineOptions options));
        var writer = new CodeWriter();
        writer.Begin(_code.Writable, _code.Executable - _code.Writable);
        _thunks.Emit(writer, options);
        _state = (VcpuState*)_memory.Pointer;
        _state->Registers.Mxcsr = _state->HostMxcsr = 0x1F80;
        _state->ReturnStackPointer = (ulong)_stack.Pointer + StackBytes;
        _state->ResumeAddress = (ulong)writer.Here;
        writer.Bytes(0xB9, 0x01, 0x00); // mov ecx, 1
        writer.Bytes(0x00, 0x00);
        writer.Bytes(0x0F, 0x01, 0xD0); // xgetbv: the parts of the state that are not in their initial configuration
        writer.Move(RegisterMap.R10, 0);
        writer.CallTo(_thunks.Leave);
        ThreadProcessorState.SetGsBase(_state);
    }

    public void Dispose()
    {
        _code.Dispose();
        _memory.Dispose();
        _stack.Dispose();
    }

    [Fact]
    public void Enter_UpperHalvesZero_LeavesThemInTheirInitialState()
    {
        Assert.SkipUnless((X86Base.CpuId(0xD, 1).Eax & 4) != 0, "The host has no XGETBV of what is in use.");
        for (int i = 0; i < 16; i++)
        {
            Vector(i)[..(VectorBytes / 2)].Fill((byte)(i + 1));
        }

        Assert.Equal(0ul, InUse() & UpperHalves);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(15)]
    public void Enter_OneUpperHalfNotZero_LoadsIt(int which)
    {
        Assert.SkipUnless((X86Base.CpuId(0xD, 1).Eax & 4) != 0, "The host has no XGETBV of what is in use.");
        Vector(which)[VectorBytes - 1] = 1;

        Assert.NotEqual(0ul, InUse() & UpperHalves);
    }

    [Theory]
    [InlineData(VectorBytes)]
    [InlineData(VectorBytes / 2)]
    public void EnterAndLeave_KeepTheVectors(int bytes)
    {
        var random = new Random(bytes);
        byte[][] before = new byte[16][];
        for (int i = 0; i < 16; i++)
        {
            random.NextBytes(Vector(i)[..bytes]);
            before[i] = Vector(i).ToArray();
        }

        _ = InUse();

        for (int i = 0; i < 16; i++)
        {
            Assert.Equal(before[i], Vector(i).ToArray());
        }
    }

    private Span<byte> Vector(int i) => new((byte*)&_state->Registers.Ymm + (i * VectorBytes), VectorBytes);

    private ulong InUse()
    {
        ((delegate* unmanaged<void>)_thunks.Enter)();
        return _state->Scratch0;
    }
}
