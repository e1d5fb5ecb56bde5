using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

internal sealed unsafe partial class Interpreter
{
    /// <summary>Strings, stack frames, bit tests with a register index, gathers, state saves: what touches memory in its own ways.</summary>
    private InterpretResult ExecuteFootprint(in Instruction instruction) => Fail(GuestFault.Ud);
}
