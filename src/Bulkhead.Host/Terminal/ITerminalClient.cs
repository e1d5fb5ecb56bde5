namespace Bulkhead.Host.Terminal;

/// <summary>Who receives what the operator types.</summary>
/// <remarks><i>Threading</i>: called on the input thread.</remarks>
public interface ITerminalClient
{
    /// <summary>Takes bytes for the guest.</summary>
    /// <returns>How many were taken; the rest is offered again after <see cref="InputPump.Resume"/>.</returns>
    int Input(ReadOnlySpan<byte> bytes);

    /// <summary>The operator gave a command.</summary>
    void Command(EscapeCommand command);

    /// <summary>Standard input has ended; the guest goes on without it.</summary>
    void InputClosed();

    /// <summary>The input thread ends because of our own fault.</summary>
    void Failed(Exception fault);
}
