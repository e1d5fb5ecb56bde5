using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>Things to do between two instructions, by how many all domains executed.</summary>
internal sealed class Agenda
{
    private const ulong Far = 1ul << 40;

    private readonly InstructionClock _clock;
    private readonly PriorityQueue<Action, ulong> _items = new();

    internal Agenda(InstructionClock clock) => _clock = clock;

    /// <summary>Adds one, before <see cref="Begin"/> or while another is done.</summary>
    internal void At(ulong instructions, Action action) => _items.Enqueue(action, instructions);

    /// <summary>From now on they are done.</summary>
    internal void Begin() => _clock.Observer = (_items.TryPeek(out _, out ulong next) ? next : Far, Far, _ => Look());

    private void Look()
    {
        while (_items.TryPeek(out Action? action, out ulong at) && at <= _clock.Executed)
        {
            _ = _items.Dequeue();
            action();
        }

        Begin();
    }
}
