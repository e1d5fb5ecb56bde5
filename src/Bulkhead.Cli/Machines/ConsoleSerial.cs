using Bulkhead.Host.Terminal;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>Standard input and output, in raw mode where they are a terminal.</summary>
/// <remarks><i>Threading</i>: input comes on the pump's thread.</remarks>
internal sealed class ConsoleSerial : ISerialEnd, ITerminalClient
{
    private readonly GatheredOutput _output;
    private RawTerminal? _terminal;
    private InputPump? _pump;
    private Domain? _domain;

    /// <summary>Takes standard output; input comes with <see cref="Attach"/>.</summary>
    internal ConsoleSerial(Stream output) => _output = new GatheredOutput(output);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data) => _output.Write(data);

    /// <inheritdoc/>
    public void Attach(Domain domain)
    {
        _domain = domain;
        _terminal = RawTerminal.TryEnter(0);
        _pump = new InputPump(0, this);
        domain.InputRoom += _pump.Resume;
        _pump.Start();
    }

    /// <inheritdoc/>
    public void Close()
    {
        if (_pump is not null)
        {
            _domain!.InputRoom -= _pump.Resume; // Attach set both.
            _pump.Dispose();
            _pump = null;
        }

        _output.Dispose();
        _terminal?.Dispose();
        _terminal = null;
    }

    /// <inheritdoc/>
    public int Input(ReadOnlySpan<byte> bytes) => _domain?.SendInput(bytes) ?? 0;

    /// <inheritdoc/>
    public void Command(EscapeCommand command)
    {
        if (command == EscapeCommand.End)
        {
            _domain?.Stop(0, "ended by the operator");
        }
        else
        {
            Console.Error.Write(EscapeFilter.HelpText);
        }
    }

    /// <inheritdoc/>
    public void InputClosed()
    {
    }

    /// <inheritdoc/>
    public void Failed(Exception fault) => _domain?.Stop(1, $"reading standard input failed: {fault.Message}");

    /// <inheritdoc/>
    public void Dispose() => Close();
}
