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
                    EmitAddress(R10, s.Operand);
                    _w.MoveConstant(R11, s.Code);
                    _w.CallTo(_thunks.Leave);
                    _w.BindTo(_w.Jmp(), s.Back);
                    break;
                case StubKind.MemorySlot:
                    _w.Bind(s.Place);
                    EmitAddress(R10, s.Operand);
                    _w.PushConstant(s.Slot);
                    _w.MoveConstant(R11, s.Code);
                    _w.CallTo(_thunks.SlotMiss[Thunks.SlotMissIndex(_mode.View, (s.Code >> 16 & (uint)MemoryFlags.Write) != 0)]);
                    _w.BindTo(_w.Jmp(), s.Back);
                    break;
                case StubKind.Target:
                    _w.Bind(s.Place);
                    _w.MoveConstant(R10, s.Target);
                    _w.MoveConstant(R11, WithRip(s.Code));
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
                case StubKind.Run:
                    EmitRunOutOfLine(s);
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }
    }

    private void EmitEdgeStub(in Stub s)
    {
        bool patched = s.Jump != 0 && _plan.Relative;
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

        if (s.Jump != 0)
        {
            _w.Bind(s.Jump);
        }

        _w.MoveConstant(R10, s.Target);
        _w.MoveConstant(R11, WithRip((uint)ExitCode.Edge | ((uint)s.Edge << 8)));
        int leave = _w.Call();
        _w.BindTo(leave, s.Kind == StubKind.EdgeHost ? _thunks.LeaveSavingFlags : _thunks.Leave);
        if (patched)
        {
            _space.SetEdgeMiss(s.Edge, leave);
        }
    }

    /// <summary>cmp rsp, gs:[limit]; jb: leaves with the target when somebody kicked or the return stack is full.</summary>
    private void EmitLimitCheck(ulong target) => 
        EmitLimitCheck(new Stub { Kind = StubKind.Target, Target = target, Code = (uint)ExitCode.Limit });

    /// <summary>The same, with the target in r10.</summary>
    private void EmitLimitCheckIndirect() => EmitLimitCheck(new Stub { Kind = StubKind.Code, Code = (uint)ExitCode.Limit });

    private void EmitLimitCheck(in Stub stub)
    {
        _w.RegState(0x3B, HostRsp, Offsets.Limit);
        _stubs[_stubCount++] = stub with { Place = _w.Jcc(2) };
        if (_options.CountInstructions)
        {
            _stubs[_stubCount++] = stub with { Place = Thunks.EmitCountCheck(_w) };
        }
    }
}
