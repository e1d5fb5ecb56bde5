using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Firmware;

/// <summary>A flash memory of bytes with Intel's command set, in blocks of 4 KiB: what firmware keeps its variables in.</summary>
/// <remarks>
/// <code>
/// FF array   70 status   50 clear status   90 identifiers   10 or 40, value: program   20, D0: erase a block to ones
/// status: 80 ready, 20 erase failed, 10 program failed; 30 command sequence
/// </code>
/// <para>A program clears bits and never sets any. It is done when the next access comes.</para>
/// <para><i>Threading</i>: any vCPU; own lock.</para>
/// <para><i>Source</i>: Intel, Common Flash Interface (CFI) and Command Sets, application note 646; StrataFlash Memory (J3) datasheet, 9 Command Set.</para>
/// </remarks>
/// <param name="content">What it holds; not disposed with it.</param>
public sealed class Flash(FlashContent content) : IIoDevice
{
    /// <summary>The size of a block.</summary>
    public const int BlockBytes = 4096;

    private const byte Ready = 0x80;
    private const byte EraseFailed = 0x20;
    private const byte ProgramFailed = 0x10;
    private const byte Manufacturer = 0x89;
    private const byte Device = 0x18;

    private readonly Lock _lock = new();
    private Mode _mode;
    private byte _command;
    private byte _status = Ready;

    private enum Mode
    {
        Array,
        Status,
        Identifiers,
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        lock (_lock)
        {
            switch (_mode)
            {
                case Mode.Array:
                    content.Bytes.Slice((int)offset, data.Length).CopyTo(data);
                    break;
                case Mode.Status:
                    data.Fill(_status);
                    break;
                default:
                    data.Fill((offset & 1) == 0 ? Manufacturer : Device);
                    break;
            }

            return IoResult.Ok;
        }
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            switch (_command)
            {
                case 0x10 or 0x40:
                    Program((int)offset, data);
                    break;
                case 0x20:
                    Erase((int)offset, confirmed: data[0] == 0xD0);
                    break;
                default:
                    Take(data[0]);
                    return IoResult.Ok;
            }

            _command = 0;
            _mode = Mode.Status;
            return IoResult.Ok;
        }
    }

    private void Take(byte command)
    {
        _command = command is 0x10 or 0x20 or 0x40 ? command : (byte)0;
        _status = command == 0x50 ? (byte)0 : _status;
        _mode = command switch
        {
            0x70 or 0x10 or 0x20 or 0x40 => Mode.Status,
            0x90 => Mode.Identifiers,
            _ => Mode.Array,
        };
    }

    private void Program(int offset, ReadOnlySpan<byte> data)
    {
        Span<byte> bytes = stackalloc byte[FlashContent.MostBytes];
        bytes = bytes[..data.Length];
        for (int i = 0; i < data.Length; i++)
        {
            bytes[i] = (byte)(content.Bytes[offset + i] & data[i]);
        }

        _status |= (byte)(Ready | (content.TryWrite(offset, bytes) ? 0 : ProgramFailed));
    }

    private void Erase(int offset, bool confirmed)
    {
        _status |= (byte)(Ready | (!confirmed ? EraseFailed | ProgramFailed : content.TryErase(offset & ~(BlockBytes - 1)) ? 0 : EraseFailed));
    }
}
