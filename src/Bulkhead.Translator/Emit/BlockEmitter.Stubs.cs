using System.Buffers.Binary;
using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Out-of-line code: slow paths, unlinked edges, failed limit checks.</content>
internal sealed unsafe partial class BlockEmitter
{
    private void EmitStubs()
    {
        for (int i = 0; i < _stubCount; i++)
        {
            ref readonly Stub s = ref _stubs[i];
            switch (s.Kind)
            {
                case StubKind.Memory:
                    _w.Bind(s.Place);
                    EmitSlowPath(s, _thunks.Leave);
                    break;
                case StubKind.MemorySlot:
                    _w.Bind(s.Place);
                    EmitAddress(R10, s.Operand);
                    _w.PushConstant(s.Slot);
                    _w.MoveConstant(R11, s.Code);
                    _w.CallTo(_thunks.SlotMiss[Thunks.SlotMissIndex(_mode.View, IsWrite(s))]);
                    _w.BindTo(_w.Jmp(), s.Back);
                    break;
                case StubKind.MemoryWindow:
                    _w.Bind(s.Place);
                    EmitSlowPath(s, _thunks.WindowMiss[IsWrite(s) ? 1 : 0]);
                    break;
                case StubKind.Target:
                    _w.Bind(s.Place);
                    EmitTarget(s.Target, s.Code);
                    _w.CallTo(_thunks.Leave);
                    break;
                case StubKind.EdgeSaved:
                case StubKind.EdgeHost:
                    EmitEdgeStub(s);
                    break;
                case StubKind.Code:
                    _w.Bind(s.Place);
                    _w.MoveConstant(R11, s.Code);
                    _w.CallTo(_thunks.Leave);
                    break;
                case StubKind.Dispatch:
                    _w.Bind(s.Place);
                    _thunks.EmitDispatch(_w, _mode.View);
                    break;
                case StubKind.Run:
                    EmitRunOutOfLine(s);
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }
    }

    private static bool IsWrite(in Stub s) => (s.Code >> 16 & (uint)MemoryFlags.Write) != 0;

    /// <summary>Has an access answered, and comes back right after its check.</summary>
    private void EmitSlowPath(in Stub s, byte* thunk)
    {
        EmitAddress(R10, s.Operand);
        _w.MoveConstant(R11, s.Code);
        _w.CallTo(thunk);
        _w.BindTo(_w.Jmp(), s.Back);
    }

    private void EmitEdgeStub(in Stub s)
    {
        bool patched = s.Jump != 0;
        if (patched)
        {
            _w.AlignFor((s.Back != 0 ? 10 : 0) + CodeWriter.ConstantBytes(s.Target) + 7);
        }

        _w.Bind(s.Place);
        if (s.Back != 0)
        {
            // A call to another page: whoever comes from the compare owes the return stack an address; the pad follows at Back.
            int call = _w.Call();
            _w.BindTo(_w.Jmp(), s.Back);
            _w.Bind(call);
        }

        foreach (int place in (ReadOnlySpan<int>)[s.Jump, s.Limit.First, s.Limit.Second])
        {
            if (place != 0)
            {
                _w.Bind(place);
            }
        }

        _w.Note(CodePlaceKind.EdgeStub, _w.Length);
        EmitTarget(s.Target, (uint)ExitCode.Edge | ((uint)s.Edge << 8));
        int leave = _w.Call();
        _w.BindTo(leave, s.Kind == StubKind.EdgeHost ? _thunks.LeaveSavingFlags : _thunks.Leave);
        if (patched)
        {
            _space.SetEdgeMiss(s.Edge, leave);
        }
    }

    /// <summary>How far behind the start of an edge's stub its number stands.</summary>
    /// <param name="stub">The stub: mov r10d, imm32; mov r10, imm32; or mov r10, imm64; then mov r11d, number.</param>
    /// <param name="target">Where the edge goes.</param>
    internal static int EdgeNumberIn(ReadOnlySpan<byte> stub, out ulong target)
    {
        int constant = stub[0] == 0x41 ? 6 : stub[1] == 0xC7 ? 7 : 10;
        target = constant switch
        {
            6 => BinaryPrimitives.ReadUInt32LittleEndian(stub[2..]),
            7 => (ulong)BinaryPrimitives.ReadInt32LittleEndian(stub[3..]),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(stub[2..]),
        };
        return constant + 2;
    }

    // Where the last limit check branches to, until it is known what leaves there.
    private (int First, int Second) _limit;

    /// <summary>cmp rsp, gs:[limit]; jb: somebody kicked, the return stack is full, or what was to be counted is. Clobbers r11 where
    /// instructions are counted.</summary>
    private void EmitLimitCheck()
    {
        _w.RegState(0x3B, HostRsp, Offsets.Limit);
        _limit = (_w.Jcc(2), 0);
        if (_options.CountInstructions)
        {
            _limit.Second = Thunks.EmitCountCheck(_w);
        }
    }

    /// <summary>Has the last limit check leave by an edge's stub, if that expects the flags in the state too.</summary>
    private (int First, int Second) TakeLimit(StubKind kind)
    {
        (int First, int Second) limit = kind == StubKind.EdgeSaved ? _limit : default;
        _limit = kind == StubKind.EdgeSaved ? default : _limit;
        return limit;
    }

    /// <summary>Has the last limit check leave by a stub of its own, if no edge's took it.</summary>
    private void EmitLimitStubs(in Stub stub)
    {
        foreach (int place in (ReadOnlySpan<int>)[_limit.First, _limit.Second])
        {
            if (place != 0)
            {
                _stubs[_stubCount++] = stub with { Place = place };
            }
        }

        _limit = default;
    }

    private void EmitLimitStubs(ulong target) => EmitLimitStubs(new Stub { Kind = StubKind.Target, Target = target, Code = (uint)ExitCode.Limit });
}
