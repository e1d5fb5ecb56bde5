namespace Bulkhead.Cli.Machines;

/// <summary>Offers console input to a guest and returns how many bytes it took.</summary>
internal delegate int SerialInput(ReadOnlySpan<byte> data);
