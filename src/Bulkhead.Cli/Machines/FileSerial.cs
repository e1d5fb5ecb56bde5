using Bulkhead.Cli.Output;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>A file that takes the guest's output, or nothing at all; there is no input.</summary>
internal sealed class FileSerial : ISerialEnd
{
    private readonly Stream _stream;
    private readonly GatheredOutput _output;

    private FileSerial(Stream stream)
    {
        _stream = stream;
        _output = new GatheredOutput(stream);
    }

    /// <summary>Nothing: output vanishes.</summary>
    internal static FileSerial None() => new(Stream.Null);

    /// <summary>Creates the file, or empties it.</summary>
    /// <remarks>Without a buffer, so that whoever follows the file sees every byte.</remarks>
    internal static FileSerial Create(string path) => new(OutputFile.Create("--serial", path, bufferBytes: 1, kind: "file:"));

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data) => _output.Write(data);

    /// <inheritdoc/>
    public void Attach(Domain domain)
    {
    }

    /// <inheritdoc/>
    public void Close() => _output.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _stream.Dispose();
    }
}
