using Bulkhead.Host.Terminal;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>The operator's end of a guest's first serial port: terminal, file, or nothing.</summary>
/// <remarks><i>Threading</i>: <see cref="Write"/> on vCPU threads, input on the pump's thread, the rest on the control thread.</remarks>
internal sealed class SerialPort : IDisposable, ITerminalClient
{
    private readonly Stream? _output;
    private readonly bool _input;
    private RawTerminal? _terminal;
    private InputPump? _pump;
    private Domain? _domain;

    private SerialPort(Stream? output, bool input)
    {
        _output = output;
        _input = input;
    }

    /// <summary>Opens what <c>--serial</c> named.</summary>
    internal static SerialPort Open(SerialTarget target) => target.Kind switch
    {
        SerialKind.None => new SerialPort(null, input: false),
        SerialKind.File => new SerialPort(new FileStream(target.Path, FileMode.Create, FileAccess.Write, FileShare.Read, 1), input: false),
        _ => new SerialPort(new DescriptorStream(1), input: true),
    };

    /// <summary>Takes the guest's output.</summary>
    internal void Write(ReadOnlySpan<byte> data)
    {
        try
        {
            _output?.Write(data);
        }
        catch (IOException)
        {
            // The reader went away (a closed pipe); the guest does not care.
        }
    }

    /// <summary>Connects the guest that takes input, and puts the terminal into raw mode.</summary>
    internal void Attach(Domain domain)
    {
        _domain = domain;
        if (!_input)
        {
            return;
        }

        _terminal = RawTerminal.TryEnter(0);
        _pump = new InputPump(0, this);
        domain.InputRoom += _pump.Resume;
        _pump.Start();
    }

    /// <summary>Gives the terminal back.</summary>
    internal void Close()
    {
        if (_pump is not null)
        {
            _domain!.InputRoom -= _pump.Resume; // Attach set both.
            _pump.Dispose();
            _pump = null;
        }

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
    public void Dispose()
    {
        Close();
        _output?.Dispose();
    }
}
