using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>The blocks of a code cache as a file that Linux's perf reads: its samples of translated code get names and bytes.</summary>
/// <remarks>
/// <para>A block's name is the guest's instruction pointer and the mode word. Jumps stand as they were before they were linked.</para>
/// <para><i>Threading</i>: under the code space's lock. <i>Source</i>: Linux, tools/perf/Documentation/jitdump-specification.txt.</para>
/// </remarks>
internal sealed class JitDump : IDisposable
{
    private const uint Magic = 0x4A69_5444;
    private const uint Version = 1;
    private const uint MachineX8664 = 62;
    private const int HeaderBytes = 40;
    private const int RecordBytes = 56;

    private readonly FileStream _file;
    private readonly ExecutableFileMark _mark;
    private ulong _count;

    /// <summary>Creates <c>jit-PID.dump</c> in a directory, which is made where it is not there; perf knows the file by that name, and by its being mapped.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    internal JitDump(string directory)
    {
        _ = Directory.CreateDirectory(directory);
        _file = File.Create(Path.Combine(directory, $"jit-{Environment.ProcessId}.dump"));
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], MachineX8664);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], Environment.ProcessId);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], Stopwatch.GetTimestamp());
        _file.Write(header);
        _file.Flush();
        _mark = new ExecutableFileMark(_file.SafeFileHandle);
    }

    /// <summary>Adds a block.</summary>
    internal void Add(ulong hostAddress, ReadOnlySpan<byte> code, ulong guestRip, ulong mode)
    {
        byte[] name = Encoding.ASCII.GetBytes($"guest:{guestRip:x}:{mode:x}\0");
        Span<byte> record = stackalloc byte[RecordBytes];
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], RecordBytes + name.Length + code.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record[8..], Stopwatch.GetTimestamp());
        BinaryPrimitives.WriteInt32LittleEndian(record[16..], Environment.ProcessId);
        BinaryPrimitives.WriteInt32LittleEndian(record[20..], Environment.ProcessId);
        BinaryPrimitives.WriteUInt64LittleEndian(record[24..], hostAddress);
        BinaryPrimitives.WriteUInt64LittleEndian(record[32..], hostAddress);
        BinaryPrimitives.WriteInt64LittleEndian(record[40..], code.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record[48..], _count++);
        _file.Write(record);
        _file.Write(name);
        _file.Write(code);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _mark.Dispose();
        _file.Dispose();
    }
}
